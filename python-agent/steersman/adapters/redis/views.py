"""The copy of views in Redis: versioned, short-lived, and never a reason to fail.

Redis may be slow, gone, flushed or full of garbage. Each of these is a miss and a count.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from steersman.adapters.redis.client import redis_client
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId

T = TypeVar("T")
_log = logging.getLogger(__name__)

TIME_TO_LIVE = timedelta(seconds=30)
_TIMEOUT = timedelta(milliseconds=300)
_FAILURES_TO_OPEN = 3
_OPEN_FOR = timedelta(seconds=2)
_PREFIX = "steersman:view:"
_LAST = 2**53 - 1
"""The largest whole number that Redis's scripts keep exactly."""


_PUT = """
local key, version, epoch = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end
local old = redis.call('HMGET', key, 'version', 'epoch')
local old_version, old_epoch = tonumber(old[1]), tonumber(old[2])
if old_version and old_epoch and
   (old_version > version or (old_version == version and old_epoch > epoch)) then
  return 0
end
redis.call('HSET', key, 'version', ARGV[1], 'epoch', ARGV[2], 'view', ARGV[3])
redis.call('PEXPIRE', key, ARGV[4])
return 1
"""


class RedisViewCache:
    """The port ViewCache. `errors` counts what went wrong; nothing is ever raised.

    After three failures in a row Redis is left alone for two seconds.
    """

    def __init__(
        self,
        client: "Redis",
        *,
        patience: timedelta = _TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._timeout = patience.total_seconds()
        self._put = client.register_script(_PUT)
        self._monotonic = monotonic
        self._failures = 0
        self._closed_until = 0.0
        self.errors = 0

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        patience: timedelta = _TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> "RedisViewCache":
        """Make a cache for a `redis://` URL; the connection is opened when it is needed."""
        seconds = patience.total_seconds()
        client = redis_client(
            url, connect_within=patience, socket_timeout=seconds, max_connections=32
        )
        return cls(client, patience=patience, monotonic=monotonic)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ping(self) -> bool:
        """Say whether Redis answers."""
        return await self._try(lambda: self._client.exists(_PREFIX)) is not None

    async def get(self, task_id: TaskId) -> JsonObject | None:
        """Return the copy, if there is one that can be read."""
        text = await self._try(lambda: self._client.hget(_PREFIX + task_id, "view"))
        return self._read(text, task_id) if text is not None else None

    async def put(self, task_id: TaskId, epoch: int, version: int, view: JsonObject) -> None:
        """Keep the view for TIME_TO_LIVE unless a newer one is there."""
        lifetime = int(TIME_TO_LIVE.total_seconds() * 1000)
        arguments = [version, epoch, orjson.dumps(view), lifetime]
        await self._try(lambda: self._put(keys=[_PREFIX + task_id], args=arguments))

    async def forget(self, task_id: TaskId) -> None:
        """Put nothing in the copy's place, in the highest version: a late `put` is no newer."""
        key = _PREFIX + task_id
        async with self._client.pipeline() as both:
            both.delete(key)
            both.hset(key, mapping={"version": _LAST, "epoch": _LAST})
            both.pexpire(key, TIME_TO_LIVE)
            await self._try(both.execute)

    async def _try(self, call: Callable[[], Awaitable[T]]) -> T | None:
        if self._monotonic() < self._closed_until:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            return None
        self._failures = 0
        return answer

    def _note_failure(self, error: Exception) -> None:
        self.errors += 1
        self._failures += 1
        if self._failures >= _FAILURES_TO_OPEN:
            self._closed_until = self._monotonic() + _OPEN_FOR.total_seconds()
        _log.debug("redis_failed", extra={"action": "redis", "error": type(error).__name__})

    def _read(self, text: bytes | str, task_id: TaskId) -> JsonObject | None:
        """Read a copy. It also authorises reads, so whose it is must be in it."""
        try:
            view: object = orjson.loads(text)
        except orjson.JSONDecodeError:
            view = None
        match view:
            case {"task_id": str(whose), "owner_id": str(), "seq": int()} if whose == task_id:
                return cast(JsonObject, view)
            case _:
                self.errors += 1
                return None

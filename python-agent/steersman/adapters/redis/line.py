"""One line to Redis for messages between processes: it is made again whenever it breaks.

What is sent while Redis is away is lost, which every receiver can bear: hints are looked for once
a second anyway, and a delta is superseded by the thought that it is part of.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from steersman.adapters.redis.client import redis_client

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py's pub/sub and pipelines are not typed.

_log = logging.getLogger(__name__)

_TIMEOUT = timedelta(milliseconds=300)
_RETRY = timedelta(milliseconds=500)
_SILENCE = timedelta(seconds=5)
_MAX_UNSENT = 10_000

REDIS_ERRORS = (RedisError, OSError, TimeoutError)
Receive = Callable[[bytes], None]
Command = tuple[str | bytes | int, ...]


class RedisLine:
    """Send commands without waiting, and receive messages. Made by `redis_line`."""

    def __init__(self, client: Redis, *, patience: timedelta = _TIMEOUT) -> None:
        self._client = client
        self._timeout = patience.total_seconds()
        self._receivers: defaultdict[bytes, list[Receive]] = defaultdict(list)
        self._connected: list[Callable[[], None]] = []
        self._unsent: deque[Command] = deque(maxlen=_MAX_UNSENT)
        self._wake = asyncio.Event()
        self._pubsub: PubSub | None = None
        self.connected = asyncio.Event()
        # redis-py, and a group whose members fail meanwhile, can swallow a cancellation.
        self.closing = False

    def send(self, *commands: Command) -> None:
        """Have commands sent soon, in this order, if Redis is there."""
        self._unsent.extend(commands)
        self._wake.set()

    async def read(self, key: str) -> bytes | None:
        """Return a key's text; None also when Redis does not answer."""
        with suppress(*REDIS_ERRORS):
            async with asyncio.timeout(self._timeout):
                found: object = await self._client.get(key)
                return found if isinstance(found, bytes) else None
        return None

    def on_connected(self, call: Callable[[], None]) -> None:
        """Call this whenever messages may have been missed."""
        self._connected.append(call)

    def subscribe(self, channel: str, receive: Receive) -> Callable[[], None]:
        """Call `receive` with each message of the channel until the returned function is called."""
        name = channel.encode()
        self._receivers[name].append(receive)
        self._wake.set()

        def forget() -> None:
            if receive in self._receivers.get(name, ()):
                self._receivers[name].remove(receive)
            if not self._receivers[name]:
                del self._receivers[name]
            self._wake.set()

        return forget

    async def run(self) -> None:
        """Keep the line up until cancelled, after `closing` was set."""
        while not self.closing:
            try:
                await self._carry()
            except* REDIS_ERRORS as errors:
                _log.debug("redis_line_broke", extra={"action": "redis", "error": str(errors)})
            except* Exception:  # noqa: BLE001 - a boundary: nobody would notice the end of the line
                _log.exception("redis_line_failed", extra={"action": "redis"})
            self.connected.clear()
            await asyncio.sleep(_RETRY.total_seconds())

    async def _carry(self) -> None:
        async with self._client.pubsub() as pubsub:
            await pubsub.subscribe(_OWN)
            subscribed: set[bytes] = set()
            await self._follow(pubsub, subscribed)
            self.connected.set()
            for call in self._connected:
                call()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(pubsub))
                group.create_task(self._send(pubsub, subscribed))

    async def _receive(self, pubsub: PubSub) -> None:
        while not self.closing:
            message = await pubsub.get_message(
                ignore_subscribe_messages=True, timeout=_SILENCE.total_seconds()
            )
            if message is None:
                await pubsub.ping()
                continue
            for receive in tuple(self._receivers.get(message["channel"], ())):
                receive(message["data"])

    async def _send(self, pubsub: PubSub, subscribed: set[bytes]) -> None:
        while not self.closing:
            await self._wake.wait()
            self._wake.clear()
            await self._follow(pubsub, subscribed)
            if not self._unsent:
                continue
            pipeline = self._client.pipeline(transaction=False)
            while self._unsent:
                pipeline.execute_command(*self._unsent.popleft())
            async with asyncio.timeout(self._timeout):
                await pipeline.execute(raise_on_error=False)

    async def _follow(self, pubsub: PubSub, subscribed: set[bytes]) -> None:
        """Subscribe to what somebody listens to, and to nothing else."""
        wanted = set(self._receivers)
        if new := wanted - subscribed:
            await pubsub.subscribe(*new)
        if gone := subscribed - wanted:
            await pubsub.unsubscribe(*gone)
        subscribed.symmetric_difference_update(new | gone)


_OWN = b"steersman:line"
"""Nobody sends on it; a connection must be subscribed to something to be listened to."""


@asynccontextmanager
async def redis_line(url: str, *, patience: timedelta = _TIMEOUT) -> AsyncGenerator[RedisLine]:
    """Hold a line open. Redis need not be there."""
    client = redis_client(url, connect_within=patience)
    line = RedisLine(client, patience=patience)
    # No TaskGroup: it would wrap every error of the caller's body into a group.
    running = asyncio.create_task(line.run())
    try:
        yield line
    finally:
        line.closing = True
        while not running.done():
            running.cancel()
            await asyncio.wait((running,), timeout=_RETRY.total_seconds())
        await client.aclose()

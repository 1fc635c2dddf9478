"""Clients of a Redis that may vanish at any moment, on whichever event loop."""

from datetime import timedelta
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false
# redis-py's keyword arguments are not typed.


def redis_client(url: str, *, connect_within: timedelta, **options: Any) -> Redis:
    """Make a client for a `redis://` or `rediss://` URL, which tries once. Redis need not be there.

    `options` are those of redis-py's `Redis.from_url`.
    """
    seconds = connect_within.total_seconds()
    client = Redis.from_url(
        url, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0), **options
    )
    pool = client.connection_pool
    pool.connection_class = _noticing(pool.connection_class)
    return client


def _noticing(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """Have a kind of connection call a closed one by its name.

    asyncio's streams drop what is written to a closed transport and the next read says so; uvloop's
    raise RuntimeError. And where one task listens and another one sends, either may close the
    connection while the other is about to write, to what is None then. Nobody who deals with a
    broken connection expects these.
    """

    class Noticing(kind):
        async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
            try:
                await super().send_packed_command(*args, **kwargs)
            except (RuntimeError, AttributeError) as error:
                raise RedisConnectionError(str(error)) from error

    return Noticing

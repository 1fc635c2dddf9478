"""The stores of a process: a database, an embedded one by default, and Redis if it is set."""

import asyncio
from contextlib import AsyncExitStack

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryViewCache
from steersman.adapters.postgres.embedded import start_embedded
from steersman.adapters.postgres.hints import postgres_hints
from steersman.core.deltas import DeltaFeed
from steersman.core.ports import Hints, ViewCache
from steersman.settings import Settings


async def open_database(settings: Settings, stack: AsyncExitStack) -> str:
    """Return the address of the database; the embedded one is started where needed.

    Raises StoreUnavailable when the embedded one does not start, ConfigurationError when something
    else is in its place.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    server = await start_embedded(settings.home / "postgres")
    stack.push_async_callback(asyncio.to_thread, server.close)
    return server.dsn()


def open_cache(settings: Settings, stack: AsyncExitStack) -> ViewCache:
    """Return the copy of views: in Redis where that is set, otherwise in this process."""
    if settings.redis_url is None:
        return InMemoryViewCache()
    # Imported here: most processes have no Redis.
    from steersman.adapters.redis import RedisViewCache  # noqa: PLC0415

    cache = RedisViewCache.connect(settings.redis_url.get_secret_value())
    stack.push_async_callback(cache.close)
    return cache


async def open_live(settings: Settings, dsn: str, stack: AsyncExitStack) -> tuple[Hints, DeltaFeed]:
    """Return what carries hints and deltas between processes.

    Without Redis hints go through the database, and deltas stay in the process that thinks.
    """
    if settings.redis_url is None:
        return await stack.enter_async_context(postgres_hints(dsn)), InMemoryDeltaFeed()
    from steersman.adapters.redis import RedisDeltaFeed, RedisHints, redis_line  # noqa: PLC0415

    line = await stack.enter_async_context(redis_line(settings.redis_url.get_secret_value()))
    return RedisHints(line), RedisDeltaFeed(line)

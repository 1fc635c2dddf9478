"""Look at the outside: database, Redis, model, sandbox; for each what mends it."""

from datetime import timedelta

from steersman.adapters.in_memory import InMemoryViewCache
from steersman.adapters.postgres.pool import PostgresPool
from steersman.api.ports import Check
from steersman.core.errors import StoreUnavailable
from steersman.core.ports import ViewCache

_PATIENCE = timedelta(seconds=1)


async def check_database(pool: PostgresPool) -> Check:
    """Ask the database something."""
    try:
        await pool.run(lambda connection: connection.fetchval("SELECT 1"), patience=_PATIENCE)
    except StoreUnavailable:
        detail = "it does not answer; start it, or check STEERSMAN_DATABASE_URL"
        return Check(status="unavailable", detail=detail)
    return Check(status="ok")


async def check_cache(cache: ViewCache) -> Check:
    """Ask Redis something, if it is used."""
    if isinstance(cache, InMemoryViewCache):
        return Check(status="ok", detail="not used; STEERSMAN_REDIS_URL sets it")
    from steersman.adapters.redis import RedisViewCache  # noqa: PLC0415

    if isinstance(cache, RedisViewCache) and await cache.ping():
        return Check(status="ok")
    detail = "it does not answer; everything works, only slower"
    return Check(status="degraded", detail=detail)

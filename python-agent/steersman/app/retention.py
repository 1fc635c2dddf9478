"""Removals put together: for a process that works, and for one that only clears up."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.retention import PostgresRetention
from steersman.adapters.postgres.workspaces import AbandonedWorkspaces
from steersman.app.hosts import host_id_of
from steersman.app.leftovers import HostLeftovers
from steersman.app.places import Places
from steersman.app.stores import open_cache, open_database, open_live
from steersman.app.work import migrated
from steersman.core.ports import Hints, ViewCache
from steersman.core.retention import Removals
from steersman.settings import Settings

_CONNECTIONS = 2


def removals_of(settings: Settings, pool: PostgresPool, cache: ViewCache, hints: Hints) -> Removals:
    """Put removals together over what is open."""
    workspaces = AbandonedWorkspaces(pool, host_id_of(settings.home))
    leftovers = HostLeftovers(Places.of(settings), workspaces)
    return Removals(PostgresRetention(pool), leftovers, cache, hints)


@asynccontextmanager
async def open_removals(settings: Settings) -> AsyncGenerator[Removals]:
    """Open the store for removals alone: neither a model nor a sandbox is looked for.

    Raises ConfigurationError and StoreUnavailable.
    """
    async with AsyncExitStack() as stack:
        dsn = await open_database(settings, stack)
        await migrated(dsn)
        pool = await PostgresPool.open(dsn, size=_CONNECTIONS)
        stack.push_async_callback(pool.close)
        hints, _ = await open_live(settings, dsn, stack)
        yield removals_of(settings, pool, open_cache(settings, stack), hints)

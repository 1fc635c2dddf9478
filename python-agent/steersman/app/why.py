"""Look into the store of this machine, without taking part in the work."""

from contextlib import AsyncExitStack

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.why import claim_facts
from steersman.app.stores import open_database
from steersman.app.work import migrated
from steersman.core.ids import TaskId
from steersman.core.unclaimed import Unclaimed, why_unclaimed
from steersman.settings import Settings


async def explain(settings: Settings, task_id: TaskId) -> Unclaimed:
    """Say why no worker takes a task. Raises TaskNotFound and StoreUnavailable."""
    async with AsyncExitStack() as stack:
        dsn = await open_database(settings, stack)
        await migrated(dsn)
        pool = await PostgresPool.open(dsn, size=1)
        stack.push_async_callback(pool.close)
        return why_unclaimed(await claim_facts(pool, task_id))

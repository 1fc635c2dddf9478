"""Work on tasks for as long as a context is open: the tables, the slot, the lease, the worker."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from steersman.adapters.postgres.lease import Work, WorkerLease, end_predecessor
from steersman.adapters.postgres.migrate import migrate
from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.slots import Slot, take_slot
from steersman.app.upkeep import keep_partitions
from steersman.app.watchdog import LoopWatch
from steersman.core.errors import StoreUnavailable
from steersman.core.worker import Worker
from steersman.settings import Settings

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Working:
    """Work that goes on. `ended` ends by itself only by a bug, which awaiting it raises."""

    worker: Worker
    ended: "asyncio.Task[None]"


@asynccontextmanager
async def working(
    worker: Worker, pool: PostgresPool, host_id: str, *, settings: Settings
) -> AsyncGenerator[Working]:
    """Work until the block ends; then tools get their grace and tasks are handed back.

    The work begins when the database answers: until then the block goes on without it.
    """
    slot = take_slot(settings.home, worker.worker_id)
    # No TaskGroup: it would wrap every error of the caller's block into a group.
    work = asyncio.create_task(_work(worker, slot, pool, host_id, settings=settings))
    try:
        yield Working(worker, work)
    finally:
        worker.shutdown.asked.set()
        await work
        slot.leave()


async def migrated(dsn: str) -> None:
    """Bring the tables up to date. Raises StoreUnavailable, in words for a person."""
    try:
        await migrate(dsn)
    except StoreUnavailable:
        raise StoreUnavailable(
            "The database does not answer: start it, or check STEERSMAN_DATABASE_URL"
        ) from None


async def _work(
    worker: Worker, slot: Slot, pool: PostgresPool, host_id: str, *, settings: Settings
) -> None:
    said = False
    while not worker.shutdown.asked.is_set():
        try:
            await migrate(pool.dsn)
            if slot.predecessor is not None:
                await end_predecessor(pool, slot.predecessor)
            await (lease := _lease(worker, pool.dsn, host_id, settings)).start()
        except StoreUnavailable:
            if not said:
                _log.warning("database_unavailable", extra={"action": "database_unavailable"})
            said = True
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            await _work_under(lease, worker, pool, settings)


def _lease(worker: Worker, dsn: str, host_id: str, settings: Settings) -> WorkerLease:
    loop = asyncio.get_running_loop()

    def drop_all() -> None:
        loop.call_soon_threadsafe(worker.drop_all)

    return WorkerLease(
        dsn,
        worker.worker_id,
        host_id,
        roles=worker.roles,
        lease=settings.lease,
        work=Work(drop_all, LoopWatch().silence),
    )


async def _work_under(
    lease: WorkerLease, worker: Worker, pool: PostgresPool, settings: Settings
) -> None:
    _log.info("working", extra={"action": "working", "worker_id": worker.worker_id})
    try:
        async with asyncio.TaskGroup() as group:
            upkeep = group.create_task(keep_partitions(pool))
            await worker.run(settings.grace)
            upkeep.cancel()
    finally:
        await lease.end()

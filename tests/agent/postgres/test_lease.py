"""How a process shows that it lives."""

import asyncio
import sys
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import pytest

from steersman.adapters.postgres.lease import Work, WorkerLease, end_predecessor
from steersman.core.errors import LeaseLost
from steersman.core.ids import WorkerId
from steersman.core.ports import Claim
from tests.agent.postgres.making import HOST, ROLES, Store, claimed, decision, opened, submitted

SHORT = timedelta(milliseconds=3000)  # less is too little where others load the machine
ME = WorkerId("worker-1")

_WRONG_CLOCK = """
import asyncio, datetime, sys, time
from steersman.adapters.postgres import lease

wrong, wall, right = datetime.timedelta(hours=int(sys.argv[2])), time.time, datetime.datetime
time.time = lambda: wall() + wrong.total_seconds()

class Clock(right):
    @classmethod
    def now(cls, tz=None):
        return right.now(tz) + wrong

datetime.datetime = Clock
for module in [module for name, module in sys.modules.items() if name.startswith("steersman.")]:
    if getattr(module, "datetime", None) is right:
        module.datetime = Clock

async def main():
    minute = datetime.timedelta(minutes=1)
    await lease.WorkerLease(sys.argv[1], "worker-1", "host-1", roles=(), lease=minute).start()
    print("leased", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
"""A process that takes a lease of a minute while its clock is hours off."""


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


@asynccontextmanager
async def _leased(
    dsn: str,
    on_lost: Callable[[], None],
    silence: Callable[[], float] = lambda: 0.0,
    *,
    lease: timedelta = SHORT,
) -> AsyncGenerator[WorkerLease]:
    work = Work(on_lost, silence)
    kept = WorkerLease(dsn, ME, HOST, roles=ROLES, lease=lease, work=work)
    try:
        await kept.start()
        yield kept
    finally:
        await kept.end()


async def _lives(store: Store, *, within: float = 0) -> bool:
    """Say whether the worker's row is alive, or comes to life again in so many seconds."""
    deadline = time.monotonic() + within
    while True:
        query = "SELECT lease_until > now() AS lives FROM workers WHERE id = $1"
        [row] = await store.pool.fetch(query, ME)
        if row["lives"] or time.monotonic() >= deadline:
            return row["lives"]
        await asyncio.sleep(0.02)


async def _lease_until(store: Store) -> datetime:
    [row] = await store.pool.fetch("SELECT lease_until FROM workers WHERE id = $1", ME)
    return row["lease_until"]


async def _beaten(store: Store, *, past: datetime) -> None:
    """Wait for the beat that lets the row live longer than until `past`; it must live meanwhile."""
    while await _lease_until(store) <= past:
        assert await _lives(store)
        await asyncio.sleep(0.02)


async def _claimed_by(worker_id: str, store: Store) -> Claim:
    """Claim as another worker does, which polls."""
    await store.alive(worker_id, seconds=60)
    deadline = time.monotonic() + 30
    while (claim := await store.journal(worker_id).claim(ROLES)) is None:
        assert time.monotonic() < deadline, "it stays held"
        await asyncio.sleep(0.02)
    return claim


@pytest.mark.slow  # leases of seconds
async def test_a_lease_lasts_as_long_as_it_beats_and_ends_at_once(
    store: Store, database_url: str
) -> None:
    lost = threading.Event()
    await submitted(store)
    async with _leased(database_url, lost.set):
        assert await store.journal(ME).claim(ROLES) is not None
        await _beaten(store, past=await _lease_until(store) + SHORT)
        assert await _lives(store)
        assert not lost.is_set()
        assert await store.journal("worker-2").claim(ROLES) is None
    assert not await _lives(store)
    assert await store.journal("worker-2").claim(ROLES) is not None


@pytest.mark.slow  # leases of seconds
async def test_a_cut_connection_does_not_end_a_lease(store: Store, database_url: str) -> None:
    lost = threading.Event()
    async with _leased(database_url, lost.set):
        for _ in range(3):
            before = await _lease_until(store)
            await store.pool.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'steersman-lease' AND datname = current_database()"
            )
            await _beaten(store, past=before)
    assert not lost.is_set()


@pytest.mark.slow  # leases of seconds
async def test_without_a_beat_the_lease_is_lost_and_what_was_held_is_free(
    store: Store, database_url: str
) -> None:
    lost = threading.Event()
    claim = await claimed(store, ME)
    async with _leased(database_url, lost.set) as lease:
        blocker = await asyncpg.connect(database_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE")
            assert await asyncio.to_thread(lost.wait, 30)
            assert lease.lost
        await blocker.close()
        assert await asyncio.to_thread(_until, lambda: not lease.lost)
        with pytest.raises(LeaseLost):
            await store.journal(ME).commit(decision(claim))


@pytest.mark.slow  # leases of seconds
async def test_work_that_stands_still_ends_the_lease_until_it_moves(
    store: Store, database_url: str
) -> None:
    lost, stands_still = threading.Event(), threading.Event()
    claim = await claimed(store, ME)

    def silence() -> float:
        return 60.0 if stands_still.is_set() else 0.0

    async with _leased(database_url, lost.set, silence):
        stands_still.set()
        assert await asyncio.to_thread(lost.wait, 30)
        other = await _claimed_by("worker-2", store)
        assert other.taken_over
        stands_still.clear()
        assert await _lives(store, within=30)
        with pytest.raises(LeaseLost):
            await store.journal(ME).commit(decision(claim))


async def test_what_a_worker_holds_is_free_when_its_lease_had_ended_behind_its_back(
    store: Store, database_url: str
) -> None:
    claim = await claimed(store, ME)
    async with _leased(database_url, lambda: None):
        await store.alive(ME, seconds=-1)
        assert await _lives(store, within=30)
        with pytest.raises(LeaseLost):
            await store.journal(ME).commit(decision(claim))


@pytest.mark.slow  # leases of seconds
async def test_a_loss_that_is_noticed_during_a_beat_is_told_by_the_next_one(
    store: Store, database_url: str
) -> None:
    lost, stands_still = threading.Event(), threading.Event()
    claim = await claimed(store, ME)

    def silence() -> float:
        return 60.0 if stands_still.is_set() else 0.0

    # The work was dropped then; no further claim of this worker's may find it held for ever.
    async with _leased(database_url, lost.set, silence, lease=2 * SHORT):
        blocker = await asyncpg.connect(database_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE")
            await _until_a_beat_waits(blocker)
            stands_still.set()
            assert await asyncio.to_thread(lost.wait, 30)
            stands_still.clear()
        await blocker.close()
        assert (await _claimed_by("worker-2", store)).task_id == claim.task_id


async def test_the_lease_of_a_dead_predecessor_is_ended(store: Store) -> None:
    first = await claimed(store)
    await end_predecessor(store.pool, first.worker_id)
    second = await store.journal("worker-2").claim(ROLES)
    assert second is not None
    assert second.taken_over


@pytest.mark.slow  # a process
@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_wrong_clock_does_not_change_a_lease(
    store: Store, database_url: str, hours: int
) -> None:
    arguments = (sys.executable, "-c", _WRONG_CLOCK, database_url, str(hours))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"leased\n"
        [row] = await store.pool.fetch("SELECT lease_until - now() AS left FROM workers")
        assert timedelta(seconds=40) < row["left"] <= timedelta(seconds=60)
    finally:
        process.kill()
        await process.wait()


async def _until_a_beat_waits(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    query = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'steersman-lease' AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while not await connection.fetch(query):
            await connection.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()

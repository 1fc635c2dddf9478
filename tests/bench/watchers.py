"""What watching costs: from a commit to its receipt, and what watchers that wait cost.

The writer's hints reach the watchers at once, or as those of another process do, through the
database.
"""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryViewCache
from steersman.adapters.postgres.hints import postgres_hints
from steersman.adapters.postgres.pool import COMMIT_PATIENCE, PATIENCE, PostgresPool, T, Work
from steersman.adapters.postgres.tasks import PostgresTaskStore
from steersman.core.clock import SystemClock
from steersman.core.ids import TaskId
from steersman.core.ledger import Ledger, restore
from steersman.core.ports import Hints
from steersman.core.roles import Team
from steersman.core.runtime import NoTelemetry, Recording
from steersman.core.tasks import Defaults, Tasks
from tests.agent.core.making import said
from tests.agent.postgres.making import HOST, ME, ROLES, Store, submitted
from tests.bench.database import database
from tests.bench.figures import Figure, Section, spread

_WATCHERS = (1, 100, 1_000)
_COMMITS = 100
_SETTLE_SECONDS = 1.0
_IDLE_SECONDS = 3.0
_BETWEEN_COMMITS = 0.02
_OUTPUT_BYTES = 2_000


class CountingPool(PostgresPool):
    """A pool that counts what is asked of it."""

    statements = 0

    async def run(self, work: Work[T], *, patience: timedelta = PATIENCE) -> T:
        self.statements += 1
        return await super().run(work, patience=max(patience, COMMIT_PATIENCE))


@dataclass(frozen=True, slots=True)
class Bench:
    """One writer, and the tasks as watchers see them."""

    pool: CountingPool
    tasks: Tasks
    ledger: Ledger


@asynccontextmanager
async def opened(dsn: str, *, apart: bool) -> AsyncGenerator[Bench]:
    """Put a claimed task and its watchers' process together; `apart`: the writer is another."""
    async with AsyncExitStack() as stack:
        pool = cast(CountingPool, await CountingPool.open(dsn))
        stack.push_async_callback(pool.close)
        store = Store(pool, PostgresTaskStore(pool, HOST))
        here = await stack.enter_async_context(postgres_hints(dsn))
        there = await stack.enter_async_context(postgres_hints(dsn)) if apart else here
        await store.alive("worker-1", seconds=600)
        await submitted(store)
        claim = await store.journal().claim(ROLES)
        assert claim is not None
        state = restore(await store.journal().history(claim.task_id))
        ledger = Ledger(claim, state, _recording(store, there))
        await ledger.record((said(),))
        tasks = Tasks(
            store.tasks,
            _recording(store, here),
            team=Team({}, "1"),
            defaults=Defaults("developer"),
            deltas=InMemoryDeltaFeed(),
        )
        yield Bench(pool, tasks, ledger)


def _recording(store: Store, hints: Hints) -> Recording:
    return Recording(store.journal(), InMemoryViewCache(), hints, SystemClock(), NoTelemetry())


class Crowd:
    """Watchers of one task. `receipts` are the times of those that have the last event."""

    def __init__(self, bench: Bench, size: int) -> None:
        self._bench = bench
        self._size = size
        self._complete = asyncio.Event()
        self.receipts = list[float]()

    async def watch(self, task_id: TaskId, after: int) -> None:
        """Take every event as it comes."""
        async with aclosing(self._bench.tasks.watch(task_id, ME, after=after)) as items:
            async for _ in items:
                self.receipts.append(time.perf_counter())
                if len(self.receipts) == self._size:
                    self._complete.set()

    async def milliseconds(self) -> Sequence[float]:
        """Commit one event; return how long after the commit each watcher had it."""
        self.receipts.clear()
        self._complete.clear()
        await asyncio.sleep(_BETWEEN_COMMITS)
        await self._bench.ledger.record((said("x" * _OUTPUT_BYTES),))
        committed = time.perf_counter()
        await self._complete.wait()
        return [(receipt - committed) * 1000 for receipt in self.receipts]


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many watchers of one task cost."""

    milliseconds: Sequence[float]
    kilobytes_each: float
    idle_statements: float
    statements_per_commit: float


async def _measure(bench: Bench, watchers: int) -> Cost:
    """Watch one task by so many, first while nothing happens, then while it goes on."""
    state = bench.ledger.state
    crowd = Crowd(bench, watchers)
    tracemalloc.start()
    async with asyncio.TaskGroup() as group:
        watching = [
            group.create_task(crowd.watch(state.task_id, state.seq)) for _ in range(watchers)
        ]
        await asyncio.sleep(_SETTLE_SECONDS)
        grown = tracemalloc.get_traced_memory()[0] / watchers / 1024
        tracemalloc.stop()
        asked = bench.pool.statements
        await asyncio.sleep(_IDLE_SECONDS)
        idle, asked = (bench.pool.statements - asked) / _IDLE_SECONDS, bench.pool.statements
        taken = [one for _ in range(_COMMITS) for one in await crowd.milliseconds()]
        asked = bench.pool.statements - asked
        for one in watching:
            one.cancel()
    return Cost(taken, grown, idle, asked / _COMMITS)


def _figures(watchers: int, cost: Cost, *, apart: bool) -> Iterator[Figure]:
    name = f"{watchers:,} in {'another' if apart else 'the same'} process"
    yield from spread(f"{name}, commit to receipt", cost.milliseconds)
    if watchers == max(_WATCHERS):
        yield Figure(f"{name}, memory of each while idle", cost.kilobytes_each, "KB")
        yield Figure(f"{name}, statements while idle", cost.idle_statements, "/s")
        yield Figure(f"{name}, statements per commit", cost.statements_per_commit, "")


async def measure() -> Section:
    """Watch on a server of our own, by more and more."""
    figures: list[Figure] = []
    async with database() as dsn:
        for apart in (False, True):
            for watchers in _WATCHERS:
                async with opened(dsn, apart=apart) as bench:
                    cost = await _measure(bench, watchers)
                figures += _figures(watchers, cost, apart=apart)
    note = (
        f"{_COMMITS} commits of {_OUTPUT_BYTES / 1000:g} KB, {_BETWEEN_COMMITS * 1000:g} ms apart"
    )
    return Section("watch", figures, (note,))

"""What watching costs: from a commit to its receipt, and what watchers that wait cost.

`python -m tests.bench.watchers [watchers] …`. The writer's hints reach the watchers at once, or as
those of another process do, through the database.
"""

import asyncio
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryViewCache
from steersman.adapters.postgres.embedded import start_embedded
from steersman.adapters.postgres.hints import postgres_hints
from steersman.adapters.postgres.migrate import migrate
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
from tests.bench.stopwatch import percentile

_WATCHERS = (1, 100, 1_000)
_COMMITS = 100
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


async def measure(bench: Bench, watchers: int) -> str:
    """Watch one task by so many; return a line that says what it cost."""
    state = bench.ledger.state
    crowd = Crowd(bench, watchers)
    tracemalloc.start()
    async with asyncio.TaskGroup() as group:
        watching = [
            group.create_task(crowd.watch(state.task_id, state.seq)) for _ in range(watchers)
        ]
        await asyncio.sleep(1)
        grown = tracemalloc.get_traced_memory()[0] / watchers / 1024
        tracemalloc.stop()
        asked = bench.pool.statements
        await asyncio.sleep(_IDLE_SECONDS)
        idle = (bench.pool.statements - asked) / _IDLE_SECONDS
        taken = [one for _ in range(_COMMITS) for one in await crowd.milliseconds()]
        asked = bench.pool.statements - asked
        for one in watching:
            one.cancel()
    return (
        f"  {watchers:>5} watchers: p50 {percentile(taken, 0.5):>7.2f} ms   "
        f"p99 {percentile(taken, 0.99):>7.2f} ms   {grown:>6.1f} KB each   "
        f"idle {idle:,.1f} statements/s   {asked / _COMMITS:,.1f} statements a commit"
    )


async def run(crowds: Sequence[int] = _WATCHERS) -> None:
    """Start a server of our own and print a line for each crowd."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as home:
        server = await start_embedded(Path(home) / "postgres")
        try:
            await migrate(server.dsn())
            for apart in (False, True):
                print(f"watchers in {'another' if apart else 'the same'} process:", flush=True)
                for watchers in crowds:
                    async with opened(server.dsn(), apart=apart) as bench:
                        print(await measure(bench, watchers), flush=True)
        finally:
            await asyncio.to_thread(server.close)


if __name__ == "__main__":
    asyncio.run(run([int(argument) for argument in sys.argv[1:]] or _WATCHERS))

"""How long a commit takes: `python -m tests.bench.commit_latency [writers] [commits]`."""

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import asyncpg

from steersman.adapters.postgres.embedded import start_embedded
from steersman.adapters.postgres.journal import PostgresJournal
from steersman.adapters.postgres.migrate import migrate
from tests.agent.postgres.making import ROLES, decision, opened, said, submitted

_VIEW_BYTES = 3_000
_OUTPUT_BYTES = 2_000


async def measure(journal: PostgresJournal, commits: int) -> list[float]:
    """Commit to one task again and again; return the milliseconds of each."""
    claim = await journal.claim(ROLES)
    assert claim is not None
    taken = list[float]()
    for version in range(1, commits * 2, 2):
        made = decision(claim, said("x" * _OUTPUT_BYTES), said("thought"), version=version)
        made = replace(made, view={**made.view, "goal": "y" * _VIEW_BYTES})
        start = time.perf_counter()
        await journal.commit(made)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


async def run(writers: int, commits: int) -> None:
    """Start a server of our own, commit, print the percentiles."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as home:
        server = await start_embedded(Path(home) / "postgres")
        try:
            await migrate(server.dsn())
            async with opened(server.dsn(), size=writers + 2) as store:
                await store.alive("worker-1", seconds=600)
                for _ in range(writers):
                    await submitted(store)
                journal = store.journal()
                start = time.perf_counter()
                taken = await asyncio.gather(*(measure(journal, commits) for _ in range(writers)))
                seconds = time.perf_counter() - start
            fsync = await _setting(server.dsn(), "fsync")
        finally:
            await asyncio.to_thread(server.close)
    _report(writers, fsync, seconds, sorted(one for part in taken for one in part))


async def _setting(dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT current_setting($1)", name)
    finally:
        await connection.close()


def _report(writers: int, fsync: str, seconds: float, taken: list[float]) -> None:
    percentiles = statistics.quantiles(taken, n=100)
    print(
        f"{writers} writers, fsync {fsync}: {len(taken) / seconds:,.0f} commits/s, "
        f"p50 {percentiles[49]:.2f} ms, p99 {percentiles[98]:.2f} ms, max {taken[-1]:.1f} ms"
    )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(run(*(numbers or [1]), *([1_000] if len(numbers) < 2 else [])))

"""How long a commit takes, by how many writers commit at once, each to a task of its own."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.core.ports import Decision
from tests.agent.postgres.making import ROLES, decision, opened, said, submitted
from tests.bench.database import ask, database
from tests.bench.figures import NO_TARGETS, Figure, Section, Targets, spread

_LOADS = ((1, 1_000), (8, 400), (32, 150))
"""How many writers, and how often each of them commits."""

_TARGETS = {8: Targets(usual=3, worst=25)}
_WARM_UP = 20
_VIEW_BYTES = 3_000
_OUTPUT_BYTES = 2_000


async def measure() -> Section:
    """Commit on a server of our own."""
    figures: list[Figure] = []
    async with database() as dsn:
        for writers, commits in _LOADS:
            figures += await _measure(dsn, writers, commits)
        fsync = await ask(dsn, "SHOW fsync")
    note = f"two events and a view of {_VIEW_BYTES / 1000:g} KB each, fsync {fsync}"
    return Section("commit", figures, (note,))


async def _measure(dsn: str, writers: int, commits: int) -> Sequence[Figure]:
    async with opened(dsn, size=writers + 2) as store:
        worker_id = f"of-{writers}"  # tasks of the load before are somebody else's
        await store.alive(worker_id, seconds=600)
        for _ in range(writers):
            await submitted(store)
        journal = store.journal(worker_id)
        prepared = [await _decisions(journal, commits) for _ in range(writers)]
        began = time.perf_counter()
        taken = await asyncio.gather(*(_write(journal, decisions) for decisions in prepared))
        seconds = time.perf_counter() - began
    every = [one for part in taken for one in part[_WARM_UP:]]
    name = f"{writers} writer{'s' if writers > 1 else ''}"
    rate = Figure(f"{name}, throughput", writers * commits / seconds, "commits/s")
    return (*spread(name, every, _TARGETS.get(writers, NO_TARGETS)), rate)


async def _decisions(journal: PostgresJournal, commits: int) -> Sequence[Decision]:
    """Claim a task and make all decisions before: their making is no part of a commit."""
    claim = await journal.claim(ROLES)
    assert claim is not None
    texts = (said("x" * _OUTPUT_BYTES), said("thought"))
    every = [decision(claim, *texts, version=version) for version in range(1, commits * 2, 2)]
    return [replace(made, view={**made.view, "goal": "y" * _VIEW_BYTES}) for made in every]


async def _write(journal: PostgresJournal, decisions: Sequence[Decision]) -> list[float]:
    """Commit to one task again and again; return the milliseconds of each."""
    taken = list[float]()
    for made in decisions:
        began = time.perf_counter()
        await journal.commit(made)
        taken.append((time.perf_counter() - began) * 1000)
    return taken

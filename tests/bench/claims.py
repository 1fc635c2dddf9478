"""How fast due tasks find their workers, and what tasks that wait cost a server that is idle.

A claimant hands back what it has claimed as if it had to wait, so that it never holds more tasks
than a worker does. Its time is the claim's alone; the rate is of both together.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import psutil

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.core.ports import Claim
from tests.agent.e2e.processes import environment, serving
from tests.agent.postgres.making import ROLES, Store, opened
from tests.bench.database import ask, database, home
from tests.bench.figures import Figure, Section, spread

_TASKS = 10_000
_LOADS = ((1, 1_000), (8, 250))
"""How many claimants, and how often each of them claims."""

_HELD = 4
_WARM_UP = 20
_SETTLE_SECONDS = 5.0
_IDLE_SECONDS = 20.0
_IDLE_PERCENT = 1.0
_LATER = timedelta(days=365)

_MAKE_TASKS = f"""
WITH made AS (
  SELECT uuidv7() AS id, n FROM generate_series(1, {_TASKS}) AS n
), conversation AS (
  INSERT INTO conversations (id, owner_id, active_task_id) SELECT id, 'me', id FROM made
), workspace AS (
  INSERT INTO workspaces (id, owner_id, name) SELECT id, 'me', id::text FROM made
)
INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id, contract_version,
                   state, version, view, waiting_for, due_at)
SELECT id, 'me', id, id, 'developer', id, 1, $1, 1, '{{}}', $2,
       CASE WHEN $3 THEN now() - make_interval(secs => n) END
  FROM made
"""


async def measure() -> Section:
    """Claim on a server of our own, then watch one that has nothing to do."""
    figures: list[Figure] = []
    async with database() as dsn:
        await _fill(dsn, due=True)
        for claimants, claims in _LOADS:
            figures += await _measure(dsn, claimants, claims)
    # Side by side: each uses next to nothing, and is measured by its own CPU time.
    idle, waiting = await asyncio.gather(_idle_percent(tasks=False), _idle_percent(tasks=True))
    name = f"a server with {_TASKS:,} waiting tasks"
    figures += [
        Figure(f"{name}, of a core", sum(waiting), "%", most=_IDLE_PERCENT),
        Figure(f"{name}, its database's part", waiting[1], "%"),
        Figure("a server without any task, of a core", sum(idle), "%"),
    ]
    return Section("claim", figures, (f"{_TASKS:,} due tasks; {_HELD} of them held by each",))


async def _fill(dsn: str, *, due: bool) -> None:
    state, waiting_for = ("queued", []) if due else ("waiting", ["message"])
    await ask(dsn, _MAKE_TASKS, state, waiting_for, due)
    await ask(dsn, "ANALYZE")


async def _measure(dsn: str, claimants: int, claims: int) -> Sequence[Figure]:
    async with opened(dsn, size=claimants + 1) as store:
        names = [f"{claimants}-{number}" for number in range(claimants)]
        for name in names:
            await store.alive(name, seconds=600)
        began = time.perf_counter()
        taken = await asyncio.gather(*(_claim(store, name, claims) for name in names))
        seconds = time.perf_counter() - began
    every = [one for part in taken for one in part[_WARM_UP:]]
    name = f"{claimants} claimant{'s' if claimants > 1 else ''}"
    rate = Figure(f"{name}, claims and releases", claimants * claims / seconds, "claims/s")
    return (*spread(f"{name}, one claim", every), rate)


async def _claim(store: Store, name: str, claims: int) -> list[float]:
    """Claim again and again; return the milliseconds of each."""
    journal: PostgresJournal = store.journal(name)
    held, taken = list[Claim](), list[float]()
    for _ in range(claims):
        began = time.perf_counter()
        claim = await journal.claim(ROLES)
        taken.append((time.perf_counter() - began) * 1000)
        assert claim is not None
        held.append(claim)
        if len(held) > _HELD:
            await journal.release(held.pop(0), after=_LATER)
    return taken


async def _idle_percent(*, tasks: bool) -> tuple[float, float]:
    """Return which part of a core a server and its database use while nothing is to be done."""
    async with database() as dsn:
        if tasks:
            await _fill(dsn, due=False)
        pid = (await ask(dsn, "SELECT pg_read_file('postmaster.pid')")).split()[0]
        return await asyncio.to_thread(_observe, dsn, psutil.Process(int(pid)))


def _observe(dsn: str, postgres: psutil.Process) -> tuple[float, float]:
    with home() as directory, serving(environment(directory, database_url=dsn)) as server:
        server.wait_for(lambda line: line.get("action") == "working")
        time.sleep(_SETTLE_SECONDS)
        agent = psutil.Process(server.process.pid)
        before = _seconds(agent), _seconds(postgres)
        time.sleep(_IDLE_SECONDS)
        used = _seconds(agent) - before[0], _seconds(postgres) - before[1]
        server.terminate()
    return used[0] / _IDLE_SECONDS * 100, used[1] / _IDLE_SECONDS * 100


def _seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process and its children, those that have ended included."""
    own = process.cpu_times()
    children = [child.cpu_times() for child in process.children(recursive=True)]
    ended = own.children_user + own.children_system
    return own.user + own.system + ended + sum(one.user + one.system for one in children)

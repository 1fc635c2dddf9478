"""How long tasks stand still when a process or the database goes, with real servers.

Four tasks at a time, all held by one of two servers. What is measured ends with the event that the
next worker, or the same one, committed: its time is the database's, on the same machine.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from steersman.adapters.postgres.embedded import EmbeddedPostgres, start_embedded
from tests.agent.e2e.processes import Serving, environment, serving
from tests.agent.support.openai_server import OpenAIServer
from tests.bench.database import home
from tests.bench.figures import Figure, Section, Targets, spread
from tests.bench.paced import Paced

_TASKS = 4
_TAKEOVERS, _RESTARTS, _HANDOVERS, _CRASHES = 2, 5, 5, 3
_PATIENCE_SECONDS = 90.0
_LOOK_SECONDS = 0.02
_STEP_SECONDS = 0.2
_CLAIMED = """
SELECT min(extract(epoch FROM at))::float8 FROM events
 WHERE type = 'task_claimed' AND extract(epoch FROM at) > $2 AND task_id = $1
"""
_NEXT = """
SELECT min(extract(epoch FROM at))::float8 FROM events
 WHERE extract(epoch FROM at) > $2 AND task_id = $1
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where servers are started. They share a home, and with it the workspaces of the tasks."""

    directory: Path
    database: EmbeddedPostgres
    provider: OpenAIServer

    @contextmanager
    def server(self) -> Iterator[Serving]:
        settings = {
            "database_url": self.database.dsn(),
            "model": "openai/steps",
            "model_base_url": self.provider.url,
            "sandbox": "none",
        }
        env = environment(self.directory, **settings) | {"OPENAI_API_KEY": "none"}
        with serving(env) as server:
            server.wait_for(lambda line: line.get("action") == "working")
            yield server

    async def times(self, query: str, tasks: Sequence[str], after: float) -> list[float]:
        """Return the milliseconds from `after` until each task's event, once all have one."""
        connection = await asyncpg.connect(self.database.dsn())
        deadline = time.monotonic() + _PATIENCE_SECONDS
        try:
            while True:
                found = [await connection.fetchval(query, task, after) for task in tasks]
                if None not in found:
                    return [(at - after) * 1000 for at in found]
                if time.monotonic() > deadline:
                    raise TimeoutError("a task does not go on")
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await connection.close()


async def measure() -> Section:
    """End one thing after the other."""
    with home() as directory, OpenAIServer(Paced(_STEP_SECONDS), keep=1) as provider:
        database = await start_embedded(directory / "postgres")
        place = _Place(directory, database, provider)
        try:
            figures = [
                *_figure("killed, until another process goes on", await _takeovers(place), 17_000),
                *_figure(
                    "killed and started again, until it goes on", await _restarts(place), 3_000
                ),
                *_figure("SIGTERM, until another process goes on", await _handovers(place), 2_000),
                *_figure("PostgreSQL back, until tasks go on", await _crashes(place), 10_000),
            ]
        finally:
            await asyncio.to_thread(database.close)
    note = f"{_TASKS} tasks at a time, in a model call; leases of 15 s"
    return Section("recovery", figures, (note,))


def _figure(name: str, times: Sequence[float], most: float) -> Iterator[Figure]:
    yield from spread(name, times, Targets(worst=most))


async def _takeovers(place: _Place) -> list[float]:
    """Kill the server that holds the tasks; another one waits for its lease to end."""
    times: list[float] = []
    for _ in range(_TAKEOVERS):
        with place.server() as first:
            tasks = _submit(first.url)
            await place.times(_CLAIMED, tasks, 0)
            with place.server() as second:
                killed = time.time()
                first.kill()
                times += await place.times(_CLAIMED, tasks, killed)
                _stop(second.url, tasks)
    return times


async def _restarts(place: _Place) -> list[float]:
    """Kill the only server, and start it again in the same place."""
    times: list[float] = []
    with ExitStack() as servers:
        server = servers.enter_context(place.server())
        tasks = _submit(server.url)
        await place.times(_CLAIMED, tasks, 0)
        for _ in range(_RESTARTS):
            server.kill()
            killed = time.time()
            server = servers.enter_context(place.server())
            times += await place.times(_CLAIMED, tasks, killed)
        _stop(server.url, tasks)
    return times


async def _handovers(place: _Place) -> list[float]:
    """End the server that holds the tasks; another one goes on with them."""
    times: list[float] = []
    with ExitStack() as servers:
        holder = servers.enter_context(place.server())
        tasks = _submit(holder.url)
        await place.times(_CLAIMED, tasks, 0)
        for _ in range(_HANDOVERS):
            heir = servers.enter_context(place.server())
            asked = time.time()
            holder.process.send_signal(signal.SIGTERM)
            times += await place.times(_CLAIMED, tasks, asked)
            await asyncio.to_thread(holder.process.wait, _PATIENCE_SECONDS)
            holder = heir
        _stop(holder.url, tasks)
    return times


async def _crashes(place: _Place) -> list[float]:
    """Crash the database under the only server, and start it again."""
    times: list[float] = []
    with place.server() as server:
        tasks = _submit(server.url)
        await place.times(_CLAIMED, tasks, 0)
        for _ in range(_CRASHES):
            pid = int((place.directory / "postgres/postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)
            while place.database.is_running():  # noqa: ASYNC110 - it is not our child
                await asyncio.sleep(_LOOK_SECONDS)
            again = await start_embedded(place.directory / "postgres")
            back = time.time()
            times += await place.times(_NEXT, tasks, back)
            await asyncio.to_thread(again.close)
        _stop(server.url, tasks)
    return times


def _submit(url: str) -> list[str]:
    answers = [httpx.post(f"{url}/tasks", json=_wish(number)) for number in range(_TASKS)]
    return [answer.raise_for_status().json()["task_id"] for answer in answers]


def _wish(number: int) -> dict[str, object]:
    return {"goal": f"look {number}", "limits": {"max_steps": 500}}


def _stop(url: str, tasks: Sequence[str]) -> None:
    for task in tasks:
        httpx.post(f"{url}/tasks/{task}/stop").raise_for_status()

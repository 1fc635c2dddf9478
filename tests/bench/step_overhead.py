"""What Steersman adds to a step: whole tasks against a model that answers at once.

The provider is a process of its own that speaks OpenAI's protocol over real HTTP; the store is a
real PostgreSQL with fsync on.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from steersman.app.wiring import App, open_app
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER, TaskId
from steersman.core.new_task import NewTask
from steersman.settings import Settings
from tests.bench.database import database, home
from tests.bench.figures import Figure, Section, percentile, spread
from tests.bench.stopwatch import Step, Stopwatch

_GRACE = 2.0
_PATIENCE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Load:
    """How many tasks of how many steps run, and how many of them at once."""

    tasks: int
    steps: int
    at_once: int


_MANY = Load(tasks=200, steps=20, at_once=8)
_ALONE = Load(tasks=15, steps=20, at_once=1)
_LONG = Load(tasks=2, steps=205, at_once=1)
_NEAR = (5, 20, 50, 100, 200)
_AROUND = 2
_MOST_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a load."""

    load: Load
    seconds: float
    states: dict[str, int]
    steps: Sequence[Step]


@contextmanager
def instant_provider(steps: int) -> Generator[str]:
    """Serve a model that makes so many calls for each goal; yield its address."""
    command = [sys.executable, "-m", "tests.agent.support.openai_server", "--instant", str(steps)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


async def measure() -> Section:
    """Run all loads, one after the other."""
    figures = list(_figures(f"{_MANY.at_once} at once", await _measure(_MANY)))
    figures += _figures("alone", await _measure(_ALONE))
    figures += _growth(await _measure(_LONG))
    note = (
        f"{_MANY.tasks} tasks of {_MANY.steps} steps, then {_ALONE.tasks}, then one of many steps"
    )
    return Section("steps", figures, (note, "overhead: all but the model client and the tool"))


async def _measure(load: Load) -> Run:
    """Run a load in a home of its own."""
    async with database() as dsn:
        with home() as directory, instant_provider(load.steps - 1) as url:
            settings = Settings(
                home=directory,
                database_url=SecretStr(dsn),
                model="openai/instant",
                model_base_url=url,
                concurrency=load.at_once,
                grace_seconds=_GRACE,
            )
            return await _run(load, settings)


async def _run(load: Load, settings: Settings) -> Run:
    watch = Stopwatch()
    async with open_app(settings, telemetry=watch) as app:
        await app.parts.model.context_tokens("openai/instant")  # LiteLLM is imported before
        accepted = [await _submit(app, number, load) for number in range(load.tasks)]
        began = time.perf_counter()
        async with app.work():
            async with asyncio.timeout(_PATIENCE_SECONDS):
                views = [await _ended(app, task_id) for task_id in accepted]
        seconds = time.perf_counter() - began
    states: dict[str, int] = {}
    for view in views:
        states[view["state"]] = states.get(view["state"], 0) + 1
    return Run(load, seconds, states, watch.steps())


async def _submit(app: App, number: int, load: Load) -> TaskId:
    limits = {"max_steps": load.steps + 5}
    request = NewTask(goal=f"Goal {number}: look around", limits=limits)
    accepted = await app.tasks.submit(request, LOCAL_OWNER)
    return TaskId(accepted["task_id"])


async def _ended(app: App, task_id: TaskId) -> JsonObject:
    # Watching 200 tasks at once would be a load of its own.
    while True:
        view = await app.tasks.view(task_id, LOCAL_OWNER)
        if view["state"] in ("completed", "failed", "stopped"):
            return view
        await asyncio.sleep(0.25)


def _figures(name: str, run: Run) -> Iterator[Figure]:
    """Say how fast it was and where the time went."""
    yield Figure(f"{name}, throughput", run.load.tasks * run.load.steps / run.seconds, "steps/s")
    unfinished = run.load.tasks - run.states.get("completed", 0)
    yield Figure(f"{name}, tasks that did not complete", unfinished, "tasks", most=0)
    yield from spread(f"{name}, overhead", [step.overhead for step in run.steps])
    for part in ("prompt", "commit"):
        yield from spread(f"{name}, of it {part}", [step.parts[part] for step in run.steps])
    yield from spread(f"{name}, of it the rest", [step.rest for step in run.steps])
    for part, what in (("model", "model client"), ("tool", "tool")):
        yield from spread(f"{name}, beside it the {what}", [s.parts[part] for s in run.steps])


def _growth(run: Run) -> Iterator[Figure]:
    """Say how the overhead of a step changes with its number."""
    overhead = {number: _near(run, number) for number in _NEAR}
    for number, value in overhead.items():
        yield Figure(f"at step {number}, overhead, p50", value, "ms")
    ratio = overhead[_NEAR[-1]] / overhead[_NEAR[0]]
    name = f"step {_NEAR[-1]} over step {_NEAR[0]}, overhead, p50"
    yield Figure(name, ratio, "times", most=_MOST_GROWTH)


def _near(run: Run, number: int) -> float:
    steps = [step for step in run.steps if abs(step.number - number) <= _AROUND]
    return percentile([step.overhead for step in steps], 0.5)

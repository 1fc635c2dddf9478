"""What Steersman adds to a step: whole tasks against a model that answers at once.

The provider is a process of its own that speaks OpenAI's protocol over real HTTP; the store is a
real PostgreSQL with fsync on.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from steersman.adapters.postgres.embedded import start_embedded
from steersman.app.wiring import App, open_app
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER, TaskId
from steersman.core.tasks import NewTask
from steersman.settings import Settings
from tests.bench.stopwatch import PARTS, Step, Stopwatch, percentile

_GRACE = 2.0
_PATIENCE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Load:
    """How many tasks of how many steps run, and how many of them at once."""

    tasks: int
    steps: int
    at_once: int


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


async def measure(load: Load) -> Run:
    """Run a load in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as home:
        server = await start_embedded(Path(home) / "postgres")
        try:
            with instant_provider(load.steps - 1) as url:
                settings = Settings(
                    home=Path(home),
                    database_url=SecretStr(server.dsn()),
                    model="openai/instant",
                    model_base_url=url,
                    concurrency=load.at_once,
                    grace_seconds=_GRACE,
                )
                return await _run(load, settings)
        finally:
            await asyncio.to_thread(server.close)


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


def report(run: Run) -> list[str]:
    """Say how fast it was and where the time went."""
    load, steps = run.load, run.steps
    head = (
        f"{load.tasks} tasks of {load.steps} steps, {load.at_once} at once: "
        f"{load.tasks * load.steps / run.seconds:,.0f} steps/s, {run.states}"
    )
    rows = [(part, [step.parts[part] for step in steps]) for part in PARTS]
    rows += [
        ("rest", [step.rest for step in steps]),
        ("all but model and tool", [step.overhead for step in steps]),
    ]
    return [head, *(_row(name, values) for name, values in rows)]


def growth(run: Run, near: Sequence[int]) -> list[str]:
    """Say how the overhead of a step changes with its number."""
    lines = ["  step      all but model and tool     prompt     commit   (p50, ms)"]
    for number in near:
        steps = [step for step in run.steps if abs(step.number - number) <= 2]
        medians = (
            percentile([step.overhead for step in steps], 0.5),
            percentile([step.parts["prompt"] for step in steps], 0.5),
            percentile([step.parts["commit"] for step in steps], 0.5),
        )
        lines.append(f"  {number:>4} {medians[0]:>27.2f} {medians[1]:>10.2f} {medians[2]:>10.2f}")
    return lines


def _row(name: str, values: Sequence[float]) -> str:
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"  {name:<24} p50 {p50:>7.2f} ms   p99 {p99:>7.2f} ms"

"""How long after a stop was asked for over HTTP something still happens, in a real server.

Half of the stops come in a model call, whose last effect is that the provider loses its client;
half in a command, which writes down the time every millisecond, in its own process and in one that
has left its session: the last time that any of them wrote is the last effect.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx

from steersman.app.sandboxes import choose_sandbox
from steersman.core.ids import LOCAL_OWNER
from steersman.settings import Settings
from tests.agent.e2e.processes import environment, serving
from tests.agent.support.openai_server import Answer, OpenAIServer, Received, call
from tests.bench.database import home
from tests.bench.figures import Figure, Section, Targets, spread

T = TypeVar("T")

_STOPS = 50
_SSE = {"Accept": "text/event-stream"}
_DIGITS = 19
"""Of a time in nanoseconds; a line of two writers may be torn."""

_AFTERMATH_SECONDS = 0.1
_LAST_EFFECT = Targets(worst=250)
_WORST = 0.95
_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.005
_LONGEST_WAIT = 0.2
"""Stops come at a time of their own, not at the beginning of a call."""

_WRITER = (
    'python3 -c \'import time\nwith open("effects", "a", buffering=1) as f:\n'
    ' while True: f.write(f"{time.time_ns()}\\n"); time.sleep(0.001)\''
)
_COMMAND = f"(setsid {_WRITER} &) ; {_WRITER}"


class Stop(NamedTuple):
    """Milliseconds since a stop was asked for: to its answer, the last effect, the task's end."""

    answer: float
    effect: float
    end: float


class Clocks(NamedTuple):
    """When a stop was asked for: on the clock of this process, and on that of all others."""

    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True)
class Agent:
    """A server and its provider, and the numbers of the tasks that it is given."""

    client: httpx.Client
    provider: OpenAIServer
    workspaces: Path
    numbers: Iterator[int]


@dataclass(frozen=True, slots=True)
class Running:
    """A task that is where it shall be stopped. `last_effect` tells how long after that it was."""

    task_id: str
    last_effect: Callable[[Clocks], float]


async def measure() -> Section:
    """Stop tasks in both places."""
    sandbox = await _sandbox()
    in_model, in_tool = await asyncio.to_thread(_measure, sandbox)
    figures = [*_figures("in a model call", in_model), *_figures("in a command", in_tool)]
    return Section("stop", figures, (f"{2 * _STOPS} stops over HTTP, commands in {sandbox}",))


def _figures(where: str, stops: Sequence[Stop]) -> Iterator[Figure]:
    effects, ends = [stop.effect for stop in stops], [stop.end for stop in stops]
    yield from spread(f"{where}, until the last effect", effects, _LAST_EFFECT, worst=_WORST)
    yield from spread(f"{where}, until its end is seen", ends, worst=_WORST)
    yield from spread(f"{where}, until the answer", [s.answer for s in stops], worst=_WORST)


async def _sandbox() -> str:
    """Take bubblewrap; where it does not work commands run without."""
    with home() as directory:
        chosen = await choose_sandbox(Settings(home=directory))
    return "none" if chosen.commands is None else "bwrap"


def _measure(sandbox: str) -> tuple[Sequence[Stop], Sequence[Stop]]:
    with home() as directory, OpenAIServer(_script, keep=1) as provider:
        settings = {"sandbox": sandbox, "model": "openai/endless", "model_base_url": provider.url}
        env = environment(directory, **settings) | {"OPENAI_API_KEY": "none"}
        with serving(env) as server, httpx.Client(base_url=server.url, timeout=60) as client:
            server.wait_for(lambda line: line.get("action") == "working")
            agent = Agent(client, provider, directory / "workspaces" / LOCAL_OWNER, count())
            _stop(agent, _in_command)  # the first call imports LiteLLM
            found = (
                [_stop(agent, _in_model_call) for _ in range(_STOPS)],
                [_stop(agent, _in_command) for _ in range(_STOPS)],
            )
            server.terminate()
    return found


def _script(received: Received) -> Answer:
    if "command" in _goal(received):
        arguments = call("execute_terminal_command", command=_COMMAND)
        return Answer("I run it.", [arguments], piece=0)
    return Answer("I think", endless="text", delay=0.01)


def _goal(received: Received) -> str:
    return next(m["content"] for m in received.messages if m["role"] == "user")


def _stop(agent: Agent, begin: Callable[[Agent], Running]) -> Stop:
    """Have a task work, stop it at some time, return what that took."""
    running = begin(agent)
    time.sleep(random.uniform(0, _LONGEST_WAIT))
    url = f"/tasks/{running.task_id}"
    with agent.client.stream("GET", f"{url}/events", headers=_SSE) as events:
        lines = events.iter_lines()
        next(lines)  # it is open, the stop is not early
        asked = Clocks(time.monotonic(), time.time())
        agent.client.post(f"{url}/stop").raise_for_status()
        answered = time.monotonic()
        if "event: task_stopped" not in lines:
            raise RuntimeError("the task did not stop")
        ended = time.monotonic()
    time.sleep(_AFTERMATH_SECONDS)  # what goes on is not to be missed
    effect = running.last_effect(asked)
    return Stop((answered - asked.monotonic) * 1000, effect, (ended - asked.monotonic) * 1000)


def _in_model_call(agent: Agent) -> Running:
    goal, task_id = _submit(agent, "think")
    received = _until(lambda: _asked(agent, goal))

    def last_effect(asked: Clocks) -> float:
        if not received.ended.wait(_PATIENCE_SECONDS) or received.left_at is None:
            raise RuntimeError("the model call did not end")
        return (received.left_at - asked.monotonic) * 1000

    return Running(task_id, last_effect)


def _asked(agent: Agent, goal: str) -> Received | None:
    """Return the call of this goal, once some of its answer is on its way."""
    received = next((one for one in tuple(agent.provider.requests) if goal in _goal(one)), None)
    return received if received and received.waiting.is_set() else None


def _in_command(agent: Agent) -> Running:
    goal, task_id = _submit(agent, "command")
    effects = agent.workspaces / goal / "effects"
    _until(lambda: effects.exists() and effects.stat().st_size)

    def last_effect(asked: Clocks) -> float:
        times = [int(line) for line in effects.read_text().split() if len(line) == _DIGITS]
        return (max(times) / 1e9 - asked.wall) * 1000

    return Running(task_id, last_effect)


def _submit(agent: Agent, what: str) -> tuple[str, str]:
    goal = f"{what}-{next(agent.numbers)}-"
    answer = agent.client.post("/tasks", json={"goal": goal, "workspace": goal})
    return goal, answer.raise_for_status().json()["task_id"]


def _until(happened: Callable[[], T | None]) -> T:
    """Return the first value that says that it happened."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (value := happened()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_LOOK_SECONDS)
    return value

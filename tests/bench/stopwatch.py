"""A Telemetry that keeps how long each part of each step took."""

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

PARTS = ("prompt", "model", "commit", "tool")


@dataclass(slots=True)
class Step:
    """One step of one task, in milliseconds. `whole` is from its prompt to the next one."""

    number: int
    began: float
    whole: float = 0.0
    parts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    @property
    def rest(self) -> float:
        """What belongs to no part."""
        return self.whole - sum(self.parts.values())

    @property
    def overhead(self) -> float:
        """What is ours: all but the model's client and the tool."""
        return self.whole - self.parts["model"] - self.parts["tool"]


class Stopwatch:
    """The port Telemetry. A run of a task is one asyncio task, by which steps are told apart."""

    def __init__(self) -> None:
        self.runs: dict[object, list[Step]] = {}

    @contextmanager
    def span(self, name: str) -> Generator[None]:
        """Measure a part; `prompt` begins a step, which ends the one before."""
        steps = self.runs.setdefault(asyncio.current_task(), [])
        began = time.perf_counter()
        if name == "prompt":
            if steps:
                steps[-1].whole = (began - steps[-1].began) * 1000
            steps.append(Step(len(steps) + 1, began))
        try:
            yield
        finally:
            if steps and name in PARTS:
                steps[-1].parts[name] += (time.perf_counter() - began) * 1000

    def steps(self) -> Sequence[Step]:
        """Return the steps that are whole: the last of each run has no end."""
        return [step for run in self.runs.values() for step in run[:-1]]

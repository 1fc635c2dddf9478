"""Logs, writers and watchers that the tests of watching are arranged from."""

import asyncio
import selectors
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryHints
from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.deltas import Delta
from steersman.core.events import Envelope, Event, ThoughtRecorded, parse_event
from steersman.core.ids import TaskId, WorkerId
from steersman.core.ports import Claim
from steersman.core.tail import Standing
from steersman.core.tailer import Tailer
from steersman.core.watch import watch
from tests.agent.core.making import TickingClock, new_task
from tests.agent.postgres.making import ROLES, decision

Item = Envelope | Delta


class _Selector(selectors.DefaultSelector):
    """Never waits: it moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None):
        assert timeout is not None, "everybody waits, and nothing can happen any more"
        self.now += timeout
        return super().select(0)


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop in which sleeping takes no time, for tests in which nothing is outside."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


class CountedLog:
    """The port LogReader over a log in memory. It takes its time, and fails when it is told to."""

    def __init__(self, log: InMemoryTaskLog) -> None:
        self._log = log
        self.failure: Exception | None = None
        self.unreadable: TaskId | None = None
        self.reads = 0

    async def events(self, task_id: TaskId, after: int, limit: int) -> tuple[Envelope, ...]:
        await self._wait()
        return await self._log.events(task_id, after, limit)

    async def new_events(self, after: Mapping[TaskId, int], limit: int) -> tuple[Envelope, ...]:
        await self._wait()
        if self.unreadable in after:
            parse_event("event_of_a_later_version", {})
        return await self._log.new_events(after, limit)

    async def gone(self, task_ids: Sequence[TaskId]) -> tuple[TaskId, ...]:
        return await self._log.gone(task_ids)

    async def _wait(self) -> None:
        self.reads += 1
        await asyncio.sleep(0.001)
        if self.failure is not None:
            raise self.failure


@dataclass
class Ground:
    """One process that works on one task and watches it."""

    task_id: TaskId
    journal: InMemoryJournal
    log: CountedLog
    claim: Claim
    hints: InMemoryHints = field(default_factory=InMemoryHints)
    deltas: InMemoryDeltaFeed = field(default_factory=InMemoryDeltaFeed)
    version: int = 1
    step: int = 0

    def __post_init__(self) -> None:
        self.tailer = Tailer(self.log, self.hints, self.deltas)

    @classmethod
    async def make(cls, log: InMemoryTaskLog | None = None) -> "Ground":
        """Submit a task and claim it."""
        clock = TickingClock()
        log = log or InMemoryTaskLog(clock)
        made = new_task(clock)
        await log.submit(made)
        journal = InMemoryJournal(log, WorkerId("worker-1"))
        claim = await journal.claim(ROLES, tree=made.first.task_id)
        assert claim is not None
        return cls(made.first.task_id, journal, CountedLog(log), claim)

    @property
    def standing(self) -> Standing:
        """Say how far the task is."""
        epoch = self.claim.epoch if self.version > 1 else 0
        return Standing(self.task_id, self.version, epoch, self.step)

    async def commit(self, *events: Event, hint: bool = True, final: bool = False) -> None:
        """Append events; without a `hint` nobody is told."""
        made = decision(self.claim, *events, version=self.version, final=final)
        await self.journal.commit(made)
        self.version += len(events)
        self.step += sum(isinstance(e, ThoughtRecorded) and not e.interrupted for e in events)
        if hint:
            await self.hints.publish(self.task_id)

    def say(self, offset: int, text: str) -> None:
        """Stream a piece of the next thought."""
        self.deltas.publish(Delta(self.task_id, self.claim.epoch, self.step + 1, offset, text))

    async def take_over(self) -> None:
        """Let another worker claim the task."""
        claim = await self.journal.claim(ROLES, tree=self.task_id)
        assert claim is not None
        self.claim = claim

    async def watch(self, after: int, items: list[Item], *, pace: float = 0.0) -> None:
        """Collect what a watcher gets, one item each `pace` seconds, to the end of the log."""
        watching = watch(self.log, self.tailer, self.standing, after=after)
        async with aclosing(watching) as received:
            async for item in received:
                items.append(item)
                await asyncio.sleep(pace)


def seqs(items: list[Item]) -> list[int]:
    return [item.seq for item in items if isinstance(item, Envelope)]


def texts(items: list[Item]) -> list[tuple[int, str]]:
    return [(item.offset, item.text) for item in items if isinstance(item, Delta)]

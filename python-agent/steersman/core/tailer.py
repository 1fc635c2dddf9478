"""Read the logs of all tasks that are watched in this process: one query for all of them.

  1. A hint, or a delta that is ahead of the log, names a task whose log has grown.
  2. These are read together, at most every few milliseconds: hints that come meanwhile add up.
  3. Once a second every watched log is looked at, because hints may be lost, and whether it is
     still there: a task that is deleted ends its watches.
What was read goes into the tasks' tails, which wake those who watch. The tailer runs for as long
as somebody does.
"""

import asyncio
import random
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Protocol

from pydantic import ValidationError

from steersman.core.deltas import Delta, DeltaFeed
from steersman.core.errors import StoreUnavailable, TaskNotFound
from steersman.core.events import Envelope
from steersman.core.ids import TaskId
from steersman.core.ports import Hints
from steersman.core.tail import Standing, Tail

_PAGE = 1_000
"""Events of all tasks together that one query returns at most."""

_PAUSE_SECONDS = 0.002


class LogReader(Protocol):
    """Read logs. Raises StoreUnavailable, and ValidationError for events of a later version."""

    async def events(self, task_id: TaskId, after: int, limit: int) -> tuple[Envelope, ...]: ...

    async def new_events(self, after: Mapping[TaskId, int], limit: int) -> tuple[Envelope, ...]:
        """Read what is past each task's cursor, each task's events in their order."""
        ...

    async def gone(self, task_ids: Sequence[TaskId]) -> tuple[TaskId, ...]:
        """Return those of the tasks that have been deleted."""
        ...


class Tailer:
    """Hand out the tails of logs to those who watch, and keep them up to date."""

    def __init__(self, log: LogReader, hints: Hints, deltas: DeltaFeed) -> None:
        self._log = log
        self._hints = hints
        self._deltas = deltas
        self._tails: dict[TaskId, Tail] = {}
        self._listening: dict[Tail, ExitStack] = {}
        self._grown: set[TaskId] = set()
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @contextmanager
    def follow(self, standing: Standing) -> Generator[tuple[Tail, asyncio.Event]]:
        """Yield the tail of a task that has come so far at least, and what is set by its news."""
        tail = self._tails.get(standing.task_id) or self._begin(standing)
        if tail.seq < standing.seq:
            self._note_growth(standing.task_id)
        try:
            with tail.watched() as wake:
                yield tail, wake
        finally:
            if not tail.is_watched:
                self._end(tail)

    def _begin(self, standing: Standing) -> Tail:
        task_id = standing.task_id
        tail = self._tails[task_id] = Tail(standing)
        listening = self._listening[tail] = ExitStack()
        listening.callback(self._hints.listen(task_id, partial(self._note_growth, task_id)))
        listening.callback(self._deltas.listen(task_id, partial(self._hear, tail)))
        # The log may have grown since its standing was read.
        self._note_growth(task_id)
        if self._running is None or self._running.done():
            # No TaskGroup: it would end with the watcher that came first.
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._fail_all)
        return tail

    def _end(self, tail: Tail) -> None:
        if listening := self._listening.pop(tail, None):
            listening.close()
            del self._tails[tail.task_id]
            self._wake.set()

    def _hear(self, tail: Tail, delta: Delta) -> None:
        if not tail.hear(delta):
            self._note_growth(tail.task_id)

    def _note_growth(self, task_id: TaskId) -> None:
        self._grown.add(task_id)
        self._wake.set()

    async def _run(self) -> None:
        look_at_all = _in_a_second()
        while self._tails:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at_all):
                    await self._wake.wait()
            self._wake.clear()
            grown, self._grown = self._grown, set()
            if _now() >= look_at_all:
                grown, look_at_all = set(self._tails), _in_a_second()
                await self._end_those_gone()
            await self._read(tuple(grown & self._tails.keys()))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, task_ids: Sequence[TaskId]) -> None:
        if not task_ids:
            return
        cursors = {task_id: self._tails[task_id].seq for task_id in task_ids}
        try:
            found = await self._log.new_events(cursors, _PAGE)
        except StoreUnavailable:
            return  # the cursors stay; in a second everything is looked at
        except ValidationError as error:
            await self._read_apart(task_ids, error)
            return
        for envelope in found:
            if tail := self._tails.get(envelope.task_id):
                tail.append(envelope)
        if len(found) == _PAGE:
            self._grown.update(task_ids)
            self._wake.set()

    async def _end_those_gone(self) -> None:
        try:
            gone = await self._log.gone(tuple(self._tails))
        except StoreUnavailable:
            return
        for task_id in gone:
            if tail := self._tails.get(task_id):
                self._fail(tail, TaskNotFound())

    async def _read_apart(self, task_ids: Sequence[TaskId], error: ValidationError) -> None:
        """Find the log that cannot be read, which must not be the end of the others."""
        if len(task_ids) == 1 and (tail := self._tails.get(task_ids[0])):
            self._fail(tail, error)
        if len(task_ids) == 1:
            return
        middle = len(task_ids) // 2
        for part in (task_ids[:middle], task_ids[middle:]):
            await self._read([task_id for task_id in part if task_id in self._tails])

    def _fail_all(self, ended: "asyncio.Task[None]") -> None:
        if not ended.cancelled() and (error := ended.exception()):
            for tail in tuple(self._tails.values()):
                self._fail(tail, error)

    def _fail(self, tail: Tail, error: BaseException) -> None:
        self._end(tail)
        tail.fail(error)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _in_a_second() -> float:
    return _now() + random.uniform(0.75, 1.25)

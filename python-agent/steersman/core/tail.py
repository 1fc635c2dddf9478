"""The end of one watched log in memory, shared by all who watch it in this process.

It holds the newest events in a bounded ring and the text of the thought that streams. Watchers
keep nothing but their cursors: one that is slower than the ring reads the log itself.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from steersman.core.deltas import Delta, PartialText, Shown
from steersman.core.events import Envelope, JsonObject, ModelCallFailed, ThoughtRecorded
from steersman.core.ids import TaskId

RING = 64
"""Events kept of each watched task."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a task is: its last event, the epoch of that, and the last step that was thought."""

    task_id: TaskId
    seq: int
    epoch: int
    step: int

    @classmethod
    def of(cls, view: JsonObject) -> "Standing":
        """Read it from a view."""
        return cls(TaskId(view["task_id"]), view["seq"], view["epoch"], view["step"])


class Tail:
    """The log past `standing`, as far as it has been read."""

    def __init__(self, standing: Standing) -> None:
        self.task_id = standing.task_id
        self.seq = standing.seq
        self._thinking = (standing.epoch, standing.step + 1)
        self._ring: deque[Envelope] = deque(maxlen=RING)
        self._partial = PartialText(standing.task_id)
        self._watchers: set[asyncio.Event] = set()
        self._failure: BaseException | None = None

    @property
    def is_watched(self) -> bool:
        """Say whether anybody is left."""
        return bool(self._watchers)

    @contextmanager
    def watched(self) -> Generator[asyncio.Event]:
        """Yield an event that is set whenever there may be something new."""
        wake = asyncio.Event()
        self._watchers.add(wake)
        try:
            yield wake
        finally:
            self._watchers.discard(wake)

    def append(self, envelope: Envelope) -> None:
        """Take an event of the log; one that is known already changes nothing."""
        if envelope.seq <= self.seq:
            return
        if envelope.seq != self.seq + 1:
            self._ring.clear()  # a ring has no holes: who needs what is missing reads the log
        self._ring.append(envelope)
        self.seq = envelope.seq
        self._follow_thoughts(envelope)
        self._wake()

    def hear(self, delta: Delta) -> bool:
        """Take a delta. Returns False when it shows that the log has grown unnoticed."""
        self._partial.add(delta)
        self._wake()
        return delta.thought <= self._thinking

    def fail(self, failure: BaseException) -> None:
        """End every watch with this error: the log can no longer be followed."""
        self._failure = failure
        self._wake()

    def after(self, seq: int) -> tuple[Envelope, ...] | None:
        """Return the events past a cursor; None when the ring does not reach back so far.

        Raises what made the tail fail.
        """
        if self._failure is not None:
            raise self._failure
        behind = self.seq - seq
        if behind > len(self._ring):
            return None
        return tuple(islice(self._ring, len(self._ring) - max(behind, 0), None))

    def text(self, seq: int, shown: Shown) -> tuple[Delta | None, Shown]:
        """Return what is new, past a cursor at the log's end, of the thought that comes next.

        A delta that is ahead of the log waits until the events before it have been read.
        """
        if seq != self.seq or self._partial.thought != self._thinking:
            return None, shown
        return self._partial.past(shown)

    def _follow_thoughts(self, envelope: Envelope) -> None:
        step = self._thinking[1]
        match envelope.event:
            case ThoughtRecorded(step=thought, interrupted=interrupted):
                step = thought if interrupted else thought + 1
                self._void(envelope.epoch, thought)
            case ModelCallFailed(step=thought):
                self._void(envelope.epoch, thought)
            case _:
                pass
        self._thinking = (envelope.epoch, step)

    def _void(self, epoch: int, step: int) -> None:
        if self._partial.thought <= (epoch, step):
            self._partial.clear()

    def _wake(self) -> None:
        for wake in self._watchers:
            wake.set()

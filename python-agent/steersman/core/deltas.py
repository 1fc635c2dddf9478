"""Deltas, and the text that they add up to: what is known of a thought that still streams."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from steersman.core.events import JsonObject
from steersman.core.ids import TaskId

MAX_UNITS = 256 * 1024
"""Kept of one thought, in UTF-16 units; of a longer one the beginning goes."""

_UTF_16 = "utf-16-le"
_UNIT_BYTES = 2


@dataclass(frozen=True, slots=True)
class Delta:
    """Text of a thought while it streams. `offset` counts UTF-16 units from the thought's start."""

    task_id: TaskId
    epoch: int
    step: int
    offset: int
    text: str

    @property
    def thought(self) -> tuple[int, int]:
        """Say which thought it is of; later ones are greater."""
        return (self.epoch, self.step)

    def to_wire(self) -> JsonObject:
        """Return the JSON object of docs/contract.md."""
        return {
            "type": "delta",
            "task_id": self.task_id,
            "epoch": self.epoch,
            "step": self.step,
            "offset": self.offset,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """How much of a streaming text somebody has: up to `offset` of that attempt."""

    attempt: int = 0
    offset: int = 0


class PartialText:
    """The text of one task's newest thought, however its deltas overlap.

    A thought that is begun again, because its model call failed, is another attempt at it.
    """

    def __init__(self, task_id: TaskId) -> None:
        self._task_id = task_id
        self._attempt = 0
        self._start = 0
        self._units = bytearray()
        self.thought = (0, 0)

    def add(self, delta: Delta) -> None:
        """Take what is new in a delta; one of an older thought is void."""
        units = bytearray(delta.text.encode(_UTF_16, "surrogatepass"))
        if delta.thought < self.thought:
            return
        if delta.thought > self.thought or not self._continues(delta.offset, units):
            self._begin(delta, units)
        else:
            self._merge(delta.offset, units)
        self._bound()

    def clear(self) -> None:
        """Forget the text: it is in the log now, or will be thought again."""
        self._attempt += 1
        self._start = 0
        self._units.clear()

    def past(self, shown: Shown) -> tuple[Delta | None, Shown]:
        """Return what somebody who has `shown` lacks, as one delta, and what they have then."""
        known = shown.offset if shown.attempt == self._attempt else 0
        offset = max(known, self._start)
        if offset >= self._end:
            return None, shown
        text = self._units[self._place(offset) :].decode(_UTF_16, "surrogatepass")
        epoch, step = self.thought
        return Delta(self._task_id, epoch, step, offset, text), Shown(self._attempt, self._end)

    @property
    def _end(self) -> int:
        return self._start + len(self._units) // _UNIT_BYTES

    def _place(self, offset: int) -> int:
        return (offset - self._start) * _UNIT_BYTES

    def _continues(self, offset: int, units: bytearray) -> bool:
        """Say whether a delta touches the text and agrees with it where they overlap."""
        if offset > self._end or offset + len(units) // _UNIT_BYTES < self._start:
            return False
        here, there = max(self._place(offset), 0), max(-self._place(offset), 0)
        common = min(len(self._units) - here, len(units) - there)
        return self._units[here : here + common] == units[there : there + common]

    def _begin(self, delta: Delta, units: bytearray) -> None:
        # Deltas of the new attempt that said the same as the old one went unnoticed: they are
        # the beginning of its text.
        same = delta.thought == self.thought and self._start <= delta.offset <= self._end
        before = self._units[: self._place(delta.offset)] if same else bytearray()
        self._start = self._start if same else delta.offset
        self._units = before + units
        self._attempt += 1
        self.thought = delta.thought

    def _merge(self, offset: int, units: bytearray) -> None:
        if offset < self._start:
            self._units[:0] = units[: -self._place(offset)]
            self._start = offset
        self._units += units[len(self._units) - self._place(offset) :]

    def _bound(self) -> None:
        if (beyond := len(self._units) // _UNIT_BYTES - MAX_UNITS) > 0:
            del self._units[: beyond * _UNIT_BYTES]
            self._start += beyond


class DeltaFeed(Protocol):
    """Carry deltas from the loop to those who watch."""

    def publish(self, delta: Delta) -> None: ...

    def end(self, task_id: TaskId) -> None:
        """Say that the thought is over: who comes now needs its text no more."""
        ...

    def listen(self, task_id: TaskId, receive: Callable[[Delta], None]) -> Callable[[], None]:
        """Call `receive` with the text so far, and with each delta until told otherwise."""
        ...

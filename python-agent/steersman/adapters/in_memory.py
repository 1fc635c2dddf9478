"""What one process needs of hints, deltas and the copy of views when nothing else is there."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from steersman.core.deltas import Delta, PartialText, Shown
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId

K = TypeVar("K")
F = TypeVar("F")


class InMemoryHints:
    """The port Hints, within this process."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    async def publish(self, topic: str) -> None:
        """Wake those who listen to the topic."""
        self.wake(topic)

    def wake(self, topic: str) -> None:
        """Wake those who listen to the topic."""
        for wake in tuple(self._listeners.get(topic, ())):
            wake()

    def listen(self, topic: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` for each hint on the topic until the returned function is called."""
        self._listeners[topic].append(wake)
        return partial(_remove, self._listeners, topic, wake)


class InMemoryDeltaFeed:
    """The port DeltaFeed, within this process. It keeps the text of each thought that streams."""

    def __init__(self) -> None:
        self._listeners: defaultdict[TaskId, list[Callable[[Delta], None]]] = defaultdict(list)
        self._texts: dict[TaskId, PartialText] = {}

    def publish(self, delta: Delta) -> None:
        """Hand a delta to those who watch its task."""
        self._texts.setdefault(delta.task_id, PartialText(delta.task_id)).add(delta)
        for receive in tuple(self._listeners.get(delta.task_id, ())):
            receive(delta)

    def listen(self, task_id: TaskId, receive: Callable[[Delta], None]) -> Callable[[], None]:
        """Call `receive` with the text so far, and with each delta until told otherwise."""
        self._listeners[task_id].append(receive)
        if text := self._texts.get(task_id):
            so_far, _ = text.past(Shown())
            if so_far is not None:
                receive(so_far)
        return partial(_remove, self._listeners, task_id, receive)

    def end(self, task_id: TaskId) -> None:
        """Forget the text so far."""
        self._texts.pop(task_id, None)


@dataclass(frozen=True, slots=True)
class _Copy:
    order: tuple[int, int]
    view: JsonObject
    good_until: float


class InMemoryViewCache:
    """The port ViewCache, within this process: a bounded number of the views last used.

    Other processes commit without telling it, so a copy is good for a short time only.
    """

    def __init__(
        self,
        *,
        size: int = 1_000,
        good_for: timedelta = timedelta(seconds=1),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = size
        self._good_for = good_for.total_seconds()
        self._monotonic = monotonic
        self._copies: OrderedDict[TaskId, _Copy] = OrderedDict()

    async def get(self, task_id: TaskId) -> JsonObject | None:
        """Return the copy, if there is one that is still good."""
        copy = self._copies.get(task_id)
        if copy is None or copy.good_until <= self._monotonic():
            return None
        self._copies.move_to_end(task_id)
        return copy.view

    async def put(self, task_id: TaskId, epoch: int, version: int, view: JsonObject) -> None:
        """Keep the view unless a newer one is there."""
        copy = self._copies.get(task_id)
        order = (version, epoch)
        if copy is not None and copy.order > order:
            return
        self._copies[task_id] = _Copy(order, view, self._monotonic() + self._good_for)
        self._copies.move_to_end(task_id)
        if len(self._copies) > self._size:
            self._copies.popitem(last=False)

    async def forget(self, task_id: TaskId) -> None:
        """Drop the copy."""
        self._copies.pop(task_id, None)


def _remove(listeners: defaultdict[K, list[F]], key: K, listener: F) -> None:
    if listener in listeners.get(key, ()):
        listeners[key].remove(listener)
        if not listeners[key]:
            del listeners[key]

"""Follow one task's log from a cursor: every event once, in order, with deltas between.

The log is what is followed; hints only say when to look. A watcher that lost every hint sees the
same events a second later.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack

from steersman.core.errors import StoreUnavailable
from steersman.core.events import Envelope, TaskCompleted, TaskFailed, TaskStopped, ThoughtRecorded
from steersman.core.ids import TaskId
from steersman.core.ports import Delta, DeltaFeed, Hints, TaskStore

_PAGE = 500
_POLL_SECONDS = 1.0
_MAX_DELTAS = 1_000
"""Deltas kept for a slow watcher; when there are more the oldest go: their thought holds them."""


async def watch(
    store: TaskStore, hints: Hints, deltas: DeltaFeed, *, task_id: TaskId, after: int
) -> AsyncGenerator[Envelope | Delta, None]:
    """Yield events past `after` and deltas as they come; end after the task's final event."""
    news = _News()
    with ExitStack() as listening:
        listening.callback(hints.listen(task_id, news.log_grew))
        listening.callback(deltas.listen(task_id, news.receive))
        while True:
            if news.look():
                async for envelope in _read(store, task_id, after):
                    after = envelope.seq
                    news.note(envelope)
                    yield envelope
                    if isinstance(envelope.event, TaskCompleted | TaskFailed | TaskStopped):
                        return
            for delta in news.deltas():
                yield delta
            await news.wait()


class _News:
    """What has arrived since the watcher last looked."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._log = True
        self._deltas: deque[Delta] = deque(maxlen=_MAX_DELTAS)
        self._epoch = 0
        self._step = 0

    def log_grew(self) -> None:
        self._log = True
        self._wake.set()

    def receive(self, delta: Delta) -> None:
        self._deltas.append(delta)
        self._wake.set()

    def note(self, envelope: Envelope) -> None:
        """Remember which deltas are void: of earlier epochs, and of thoughts that are recorded."""
        self._epoch = envelope.epoch
        if isinstance(envelope.event, ThoughtRecorded):
            self._step = envelope.event.step - envelope.event.interrupted

    def look(self) -> bool:
        """Say, once, whether the log may have grown."""
        grown, self._log = self._log, False
        return grown

    def deltas(self) -> Iterator[Delta]:
        while self._deltas:
            delta = self._deltas.popleft()
            if delta.epoch >= self._epoch and delta.step > self._step:
                yield delta

    async def wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            self._log = True
        self._wake.clear()


async def _read(store: TaskStore, task_id: TaskId, after: int) -> AsyncGenerator[Envelope, None]:
    while True:
        try:
            page = await store.events(task_id, after, _PAGE)
        except StoreUnavailable:
            return  # the cursor stays; the next look catches up
        for envelope in page:
            yield envelope
        if len(page) < _PAGE:
            return
        after = page[-1].seq

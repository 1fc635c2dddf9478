"""Follow one task's log from a cursor: every event once, in order, with deltas between.

The log is what is followed, out of the tail that this process keeps of it, or read by pages
where the cursor is older. A watcher keeps nothing else, so a slow one costs no more than others.
"""

import asyncio
import random
from collections.abc import AsyncGenerator

from steersman.core.deltas import Delta, Shown
from steersman.core.errors import StoreUnavailable, TaskNotFound
from steersman.core.events import Envelope, FinalEvent
from steersman.core.ids import TaskId
from steersman.core.tail import Standing
from steersman.core.tailer import LogReader, Tailer

_PAGE = 500
_RETRY_SECONDS = 1.0


async def watch(
    log: LogReader, tailer: Tailer, standing: Standing, *, after: int
) -> AsyncGenerator[Envelope | Delta, None]:
    """Yield events past `after` and deltas as they come; end after the task's final event.

    Raises TaskNotFound when the task is deleted meanwhile.
    """
    shown = Shown()
    with tailer.follow(standing) as (tail, wake):
        while True:
            wake.clear()
            events = tail.after(after)
            if events is None:
                events = await _page(log, standing.task_id, after)
                if not events:
                    raise TaskNotFound  # there were events past the cursor: it has been deleted
            for envelope in events:
                after = envelope.seq
                yield envelope
                if isinstance(envelope.event, FinalEvent):
                    return
            if events:
                continue
            delta, shown = tail.text(after, shown)
            if delta is not None:
                yield delta
            else:
                await wake.wait()


async def _page(log: LogReader, task_id: TaskId, after: int) -> tuple[Envelope, ...]:
    """Read a part of the log that is there, however long that takes."""
    while True:
        try:
            return await log.events(task_id, after, _PAGE)
        except StoreUnavailable:
            await asyncio.sleep(_RETRY_SECONDS * random.uniform(0.75, 1.25))

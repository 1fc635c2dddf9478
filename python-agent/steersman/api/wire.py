"""Events and deltas as they are sent, on every transport alike."""

import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing

from steersman.core.deltas import Delta
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.tasks import Tasks
from steersman.core.text import clean

Item = Envelope | Delta


def wire_object(item: Item) -> JsonObject:
    """Return the flat JSON object of an event or a delta."""
    if isinstance(item, Envelope):
        return item.to_wire()
    # A model can stream half of a surrogate pair; UTF-8 cannot.
    return {**item.to_wire(), "text": clean(item.text)}


def to_json(value: JsonObject) -> str:
    """Write one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def watching(
    tasks: Tasks, task_id: TaskId, owner_id: OwnerId, *, after: int
) -> AbstractAsyncContextManager[AsyncGenerator[Item, None]]:
    """Watch a task until the block ends, however it ends."""
    # Left to the garbage collector, a generator would keep its subscription for a while.
    return aclosing(tasks.watch(task_id, owner_id, after=after))

"""What waits to be pushed, of one subscription: little, however slow the gateway is.

Whoever fills an outbox waits for room in it, so a gateway that takes nothing costs what these
hold and not more. Each part is written as JSON once, and its length is known from then on.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from steersman.core.deltas import Delta
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import TaskId
from steersman.core.owner_views import OwnedView
from steersman.core.text import clean

_ROOM_BYTES = 32 * 1024
_ENTRY_BYTES = 120
"""What an entry of a push takes beside its parts."""


@dataclass(slots=True)
class Portion:
    """One entry of a push as it is filled. `room` None: the first part may be of any length."""

    subscription_id: str
    room: int
    may_exceed: bool
    size: int = _ENTRY_BYTES
    parts: dict[str, list[bytes]] = field(
        default_factory=lambda: {"events": [], "deltas": [], "views": []}
    )

    def add(self, kind: str, part: bytes) -> bool:
        """Take a part if it fits, or if nothing else is in the whole push."""
        size = len(part) + 1
        if self.size + size > self.room and not (self.may_exceed and self.is_empty):
            return False
        self.parts[kind].append(part)
        self.size += size
        return True

    @property
    def is_empty(self) -> bool:
        """Say whether it has no part yet."""
        return not any(self.parts.values())

    def to_wire(self) -> JsonObject:
        """Return the entry; its parts are not written again."""
        parts = {kind: [orjson.Fragment(p) for p in parts] for kind, parts in self.parts.items()}
        return {"subscription_id": self.subscription_id, **parts}


class Outbox:
    """What a subscription has for its gateway. `notify` is called when there is something."""

    def __init__(self, subscription_id: str, notify: Callable[["Outbox"], None]) -> None:
        self.subscription_id = subscription_id
        self._notify = notify
        self._events: deque[bytes] = deque()
        self._event_bytes = 0
        self._delta: bytes | None = None
        self._views: dict[TaskId, tuple[int, bytes]] = {}
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, item: Envelope | Delta) -> None:
        """Add an event or a delta, and wait until the next one has room.

        A delta holds up what follows until it is taken: meanwhile the text adds up where it is
        kept anyway.
        """
        if isinstance(item, Delta):
            self._delta = orjson.dumps({**item.to_wire(), "text": clean(item.text)})
        else:
            part = orjson.dumps(item.to_wire())
            self._events.append(part)
            self._event_bytes += len(part)
        self._announce()
        await self._room.wait()

    def put_view(self, owned: OwnedView) -> None:
        """Add a view in place of the older one of that task."""
        known = self._views.get(owned.task_id)
        if known is None or known[0] < owned.seq:
            self._views[owned.task_id] = (owned.seq, orjson.dumps(owned.view))
            self._announce()

    async def has_room(self) -> None:
        """Wait until there is room for more."""
        await self._room.wait()

    def take(self, room: int, *, may_exceed: bool) -> Portion:
        """Take out what fits, events before the delta that follows them."""
        portion = Portion(self.subscription_id, room, may_exceed)
        while self._events and portion.add("events", self._events[0]):
            self._event_bytes -= len(self._events.popleft())
        if not self._events and self._delta is not None and portion.add("deltas", self._delta):
            self._delta = None
        for task_id, (_, part) in tuple(self._views.items()):
            if not portion.add("views", part):
                break
            del self._views[task_id]
        self._mind_room()
        return portion

    @property
    def is_empty(self) -> bool:
        """Say whether nothing waits."""
        return not (self._events or self._delta or self._views)

    def _announce(self) -> None:
        self._mind_room()
        self._notify(self)

    def _mind_room(self) -> None:
        views = sum(len(part) for _, part in self._views.values())
        if self._delta is None and self._event_bytes + views < _ROOM_BYTES:
            self._room.set()
        else:
            self._room.clear()


def entries(portions: list[Portion]) -> list[Any]:
    """Return the argument of a push."""
    return [portion.to_wire() for portion in portions]

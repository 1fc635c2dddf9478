"""Push what the subscriptions have: one frame for all, as soon as the one before is acknowledged.

So a quiet link adds no delay, and a busy one batches by itself. Who had more than fitted comes
last in the next frame.
"""

import asyncio
from collections.abc import Callable

from pydantic import TypeAdapter

from steersman.bridge.connection import Connection
from steersman.bridge.messages import PushAck
from steersman.bridge.outbox import Outbox, Portion, entries

_FRAME_BYTES = 200
_ACKS: TypeAdapter[list[PushAck]] = TypeAdapter(list[PushAck])


class Pusher:
    """Pushes over one connection. `stop` is called with each subscription that the hub ends."""

    def __init__(self, hub: Connection, stop: Callable[[str], None]) -> None:
        self._hub = hub
        self._stop = stop
        self._waiting: dict[Outbox, None] = {}
        self._wake = asyncio.Event()

    def add(self, outbox: Outbox) -> None:
        """Note that there is something in an outbox."""
        self._waiting.setdefault(outbox, None)
        self._wake.set()

    def forget(self, outbox: Outbox) -> None:
        """Push nothing more of it."""
        self._waiting.pop(outbox, None)

    async def run(self, max_batch_bytes: int) -> None:
        """Push until cancelled. Raises what the call raises: after that nothing is certain."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while portions := self._collect(max_batch_bytes - _FRAME_BYTES):
                acks = await self._hub.call("PushEvents", entries(portions))
                for ack in _ACKS.validate_python(acks or []):
                    if ack.stop:
                        self._stop(ack.subscription_id)

    def _collect(self, room: int) -> list[Portion]:
        portions: list[Portion] = []
        for outbox in tuple(self._waiting):
            portion = outbox.take(room, may_exceed=not portions)
            if not portion.is_empty:
                portions.append(portion)
                room -= portion.size
            del self._waiting[outbox]
            if not outbox.is_empty:
                self._waiting[outbox] = None
                break
        return portions

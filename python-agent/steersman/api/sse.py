"""A task's log as server-sent events.

  1. The pump sends each event with `id:` = seq and each delta without; a final event is the last.
  2. The heartbeat sends a comment when nothing else was sent for a while.
  3. The stream ends at once when the client leaves or the server closes.
A client that takes nothing for `send_timeout` is cut. Whoever is cut comes back with Last-Event-ID.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from steersman.api.ports import StreamTiming
from steersman.api.racing import until_first
from steersman.api.wire import Item, to_json, wire_object
from steersman.core.errors import SteersmanError
from steersman.core.events import Envelope

logger = logging.getLogger(__name__)

END_TIMEOUT = timedelta(seconds=1)
"""A server that closes does not wait longer for a client that takes nothing."""

Items = AbstractAsyncContextManager[AsyncGenerator[Item, None]]


class EventStreamResponse(Response):
    """Send what `items` yields until it ends, the client leaves or `closing` is set."""

    media_type = "text/event-stream"

    def __init__(self, items: Items, timing: StreamTiming, closing: asyncio.Event) -> None:
        # Proxies must neither keep the stream nor wait for its end.
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._items = items
        self._timing = timing
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = _Channel(send, self._timing)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await until_first(
                self._pump(channel), channel.beat(), _left(receive), self._wait_for_closing()
            )
            await channel.end()
        except* TimeoutError:
            logger.info("a client that took nothing was cut", extra={"action": "stream_cut"})

    async def _pump(self, channel: "_Channel") -> None:
        try:
            async with self._items as items:
                async for item in items:
                    await channel.send(encode(item))
        except SteersmanError as error:
            logger.warning(
                "a stream ended early", extra={"action": "stream_ended", "code": error.code()}
            )

    async def _wait_for_closing(self) -> None:
        await self._closing.wait()


class _Channel:
    """The way to the client: one chunk at a time, each within the time limit."""

    def __init__(self, send: Send, timing: StreamTiming) -> None:
        self._send = send
        self._timing = timing
        self._turn = asyncio.Lock()
        self._quiet = True

    async def send(self, chunk: bytes) -> None:
        self._quiet = False
        await self._write(chunk, more=True)

    async def end(self) -> None:
        async with asyncio.timeout(END_TIMEOUT.total_seconds()):
            await self._write(b"", more=False)

    async def beat(self) -> None:
        while True:
            self._quiet = True
            await asyncio.sleep(self._timing.heartbeat.total_seconds())
            if self._quiet:
                await self._write(b": heartbeat\n\n", more=True)

    async def _write(self, chunk: bytes, *, more: bool) -> None:
        async with self._turn, asyncio.timeout(self._timing.send_timeout.total_seconds()):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": more})


def encode(item: Item) -> bytes:
    """Write one server-sent event."""
    data = to_json(wire_object(item))
    if isinstance(item, Envelope):
        return f"id: {item.seq}\nevent: {item.event.type}\ndata: {data}\n\n".encode()
    return f"event: delta\ndata: {data}\n\n".encode()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

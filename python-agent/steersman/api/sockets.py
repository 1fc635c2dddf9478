"""A WebSocket as both chat protocols use it: text frames in, text frames out, one way to end.

`SocketGone` is that way: the client left, takes nothing, or the server closes.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from steersman.core.errors import Malformed, RequestError, TooLarge

MAX_FRAME_BYTES = 1024 * 1024


class SocketGone(Exception):
    """Nobody is there any more."""


class TextSocket:
    """An accepted WebSocket."""

    def __init__(self, socket: WebSocket, send_timeout: timedelta) -> None:
        self._socket = socket
        self._send_timeout = send_timeout
        self._turn = asyncio.Lock()

    async def frames(self) -> AsyncIterator[str | RequestError]:
        """Yield each frame's text, or why it is not acceptable. Raises SocketGone at the end."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise SocketGone
            yield _checked(message.get("text"))

    async def send(self, text: str) -> None:
        """Send one frame, in the time that a client has to take it."""
        try:
            async with self._turn, asyncio.timeout(self._send_timeout.total_seconds()):
                await self._socket.send_text(text)
        except (WebSocketDisconnect, WebSocketDisconnected, TimeoutError) as error:
            raise SocketGone from error


def _checked(text: str | None) -> str | RequestError:
    if text is None:
        return Malformed("Send text frames; binary ones are not read.")
    # A character is at most four bytes, so short texts need not be encoded to know.
    if len(text) * 4 > MAX_FRAME_BYTES and len(text.encode()) > MAX_FRAME_BYTES:
        return TooLarge(f"A frame holds at most {MAX_FRAME_BYTES:,} bytes.")
    return text

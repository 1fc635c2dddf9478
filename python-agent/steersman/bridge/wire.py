"""SignalR's JSON as we read and write it: what we do not know is no error, and is left to us.

pysignalr ends a connection at a message or a field of a later version, and cannot write a result
that is null. Here every message comes in and goes out as a plain object.
"""

import json
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, cast

import orjson
from pysignalr.client import SignalRClient
from pysignalr.messages import HandshakeMessage, JSONMessage, Message
from pysignalr.protocol.json import JSONProtocol
from websockets.asyncio.client import ClientConnection

from steersman.core.events import JsonObject


class Kind(IntEnum):
    """The `type` of a message."""

    INVOCATION = 1
    COMPLETION = 3
    PING = 6
    CLOSE = 7


class PlainWire(JSONProtocol):
    """Hands out what comes in as it is, and writes with orjson, ready-made parts included."""

    def decode(self, raw_message: str | bytes) -> list[Message]:
        text = raw_message.decode() if isinstance(raw_message, bytes) else raw_message
        parts = [_read(part) for part in text.split(self.record_separator) if part]
        return [JSONMessage(cast(JsonObject, part)) for part in parts if isinstance(part, dict)]

    def encode(self, message: Message | HandshakeMessage) -> str:
        plain = message.dump()
        try:
            text = orjson.dumps(plain).decode()
        except orjson.JSONEncodeError:
            text = json.dumps(plain)
        return text + self.record_separator


def _read(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # Half of a surrogate pair is JSON, and no text; whoever sent it shall be answered.
        return json.loads(text)


class PlainClient(SignalRClient):
    """A client that hands each message to `receive`. What that raises ends the client."""

    def __init__(self, url: str, token: str, *, seconds: int, largest_bytes: int) -> None:
        super().__init__(
            url,
            protocol=PlainWire(),
            headers={"Authorization": f"Bearer {token}"},
            retry_count=1,
            max_size=largest_bytes,
            connection_timeout=seconds,
        )
        # It leaks a task at each disconnect; the connection sends the pings.
        self._transport._keepalive = _nothing  # pyright: ignore[reportPrivateUsage]

    def receive(self, message: JsonObject) -> None:
        """Take a message; a subclass does."""
        raise NotImplementedError

    async def _on_message(self, message: Message) -> None:
        self.receive(cast(JSONMessage, message).data)

    async def send_plain(self, message: JsonObject) -> None:
        """Send a message as it is."""
        await self._transport.send(JSONMessage(message))

    async def close(self) -> None:
        """Close the socket, which pysignalr would leave to the garbage collector."""
        if (socket := self._socket) is not None:
            await socket.close()

    def abort(self) -> None:
        """Drop the socket: the other side does not answer."""
        if (socket := self._socket) is not None:
            socket.transport.abort()

    @property
    def _socket(self) -> ClientConnection | None:
        return self._transport._ws  # pyright: ignore[reportPrivateUsage]


async def _nothing(conn: ClientConnection) -> None:
    return None


def invocation(target: str, arguments: Iterable[Any], headers: JsonObject) -> JsonObject:
    """Make the call of a method."""
    made: JsonObject = {"type": Kind.INVOCATION, "target": target, "arguments": [*arguments]}
    return {**made, "headers": headers} if headers else made

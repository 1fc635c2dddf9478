"""What a connection may cost before it has shown who it is.

uvicorn bounds neither the headers, nor the time that they take, nor how many connections there
are: without a token anybody could take every descriptor of the process, its tools' too.
"""

import asyncio
import logging
import resource
import time
from asyncio import TimerHandle
from dataclasses import dataclass, field
from datetime import timedelta
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 1024
_SILENCE_SECONDS = 10.0
_UNLIMITED = 10_000
_OUT_OF_DESCRIPTORS = "socket.accept() out of system resource"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def half_of_the_descriptors() -> int:
    """Return how many connections leave as many descriptors for the work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else max(1, min(soft // 2, _UNLIMITED))


@dataclass(slots=True)
class Connections:
    """The connections of one server: `most` at once, and `patience` for a request's headers.

    `idle` are those that ask for nothing yet, or no more, the oldest first: they give way.
    """

    most: int = field(default_factory=half_of_the_descriptors)
    patience: timedelta = timedelta(seconds=10)
    idle: "dict[BoundedHttp, None]" = field(default_factory=dict["BoundedHttp", None])
    _said: float = -_SILENCE_SECONDS

    def say(self, action: str) -> None:
        """Log what somebody may cause many times a second, once in a while."""
        now = time.monotonic()
        if now - self._said >= _SILENCE_SECONDS:
            self._said = now
            _log.warning(action, extra={"action": action, "connections": self.most})

    def heed(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say once in a while, not for each try, that no connection can be taken."""

        def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if context.get("message") == _OUT_OF_DESCRIPTORS:
                self.say("out_of_descriptors")
            else:
                loop.default_exception_handler(context)

        loop.set_exception_handler(handle)


class _HeadersTooLarge(Exception):
    """The parser hands it on as its own."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol within the bounds of its server's connections."""

    bounds: Connections
    _deadline: TimerHandle | None = None
    _owed_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does so only where the listening socket named its protocol. Without it the body
        # of an answer, and the next event of a stream, wait 40 ms for the peer's acknowledgement.
        transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._await_headers()
        if len(self.connections) > self.bounds.most:
            self.bounds.say("connections_full")
            # This one, when all the others are being answered.
            next(iter(self.bounds.idle)).give_way()

    def give_way(self) -> None:
        """End now. Out of `idle` at once: its loss comes later, and others have to go meanwhile."""
        self._leave_idle()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave_idle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._owed_bytes += len(data) if self._deadline else 0
        super().data_received(data)
        if self._deadline and self._owed_bytes > MAX_HEADER_BYTES:
            self._refuse_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._await_headers()

    def on_headers_complete(self) -> None:
        self._leave_idle()
        sizes = (len(name) + len(value) for name, value in self.headers)
        if len(self.url) + sum(sizes) > MAX_HEADER_BYTES:
            raise _HeadersTooLarge
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.timeout_keep_alive_task is not None:
            self.bounds.idle[self] = None

    def send_400_response(self, msg: str) -> None:
        sizes = (len(name) + len(value) for name, value in self.headers or ())
        if sum(sizes) > MAX_HEADER_BYTES:
            self._refuse_headers()
        else:
            super().send_400_response(msg)

    def _await_headers(self) -> None:
        self.bounds.idle.pop(self, None)  # the newest stands last
        self.bounds.idle[self] = None
        self._owed_bytes = 0
        patience = self.bounds.patience.total_seconds()
        self._deadline = self.loop.call_later(patience, self.transport.close)

    def _leave_idle(self) -> None:
        self.bounds.idle.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_headers(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()


def bounded(connections: Connections) -> type[asyncio.Protocol]:
    """Return the protocol of a server with these connections."""

    class Bounded(BoundedHttp):
        bounds = connections

    return Bounded

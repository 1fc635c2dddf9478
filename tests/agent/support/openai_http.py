"""The little HTTP/1.1 that a scripted provider needs, with every write in our hands."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_HEADERS_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A whole request. Names of headers are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class HttpConnection(asyncio.Protocol):
    """One connection with a client. It answers one request after the other."""

    def __init__(
        self,
        answer: "Callable[[HttpRequest, HttpConnection], Awaitable[None]]",
        answering: set[asyncio.Task[None]],
        open_ones: "set[HttpConnection]",
    ) -> None:
        self.requests = 0
        self.left_at: float | None = None
        self._answer = answer
        self._answering = answering
        self._open_ones = open_ones
        self._task: asyncio.Task[None] | None = None
        self._received = b""
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._take()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        if self._task is not None:
            self.left_at = time.monotonic()
            self._task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def respond(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer at once and whole."""
        lines = [
            f"HTTP/1.1 {status} Scripted",
            f"content-type: {content_type}",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self._transport.write("\r\n".join(lines).encode() + _HEADERS_END + body)

    def begin_stream(self) -> None:
        """Send the head of a streamed answer, with what follows if that comes at once."""
        self._pending = (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
            b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
        )

    async def send(self, payload: bytes, *, tcp_piece: int) -> None:
        """Add to the stream. With `tcp_piece` it goes out in writes of that many bytes."""
        self._pending += b"%x\r\n%b\r\n" % (len(payload), payload)
        if tcp_piece:
            pending, self._pending = self._pending, b""
            for start in range(0, len(pending), tcp_piece):
                self._transport.write(pending[start : start + tcp_piece])
                await asyncio.sleep(0.0001)

    def flush(self) -> None:
        """Send what is pending now."""
        self._transport.write(self._pending)
        self._pending = b""

    def end_stream(self) -> None:
        """End the streamed answer properly."""
        self._transport.write(self._pending + b"0\r\n\r\n")
        self._pending = b""

    def reset(self) -> None:
        """Drop the connection in the middle."""
        self._transport.abort()

    def _take(self) -> None:
        """Start on the next request once it is whole and the one before is answered."""
        head, found, rest = self._received.partition(_HEADERS_END)
        if self._task is not None or not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, path, _ = first.split(" ", 2)
        self.requests += 1
        request = HttpRequest(method, path, headers, rest[:length])
        self._task = asyncio.ensure_future(self._run(request))
        self._answering.add(self._task)

    async def _run(self, request: HttpRequest) -> None:
        task = self._task
        try:
            await self._answer(request, self)
        finally:
            assert task is not None
            self._answering.discard(task)
            self._task = None
        self._take()

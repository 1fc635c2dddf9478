"""An OpenAI-compatible provider on the loopback interface that answers by a script.

In a test: `with OpenAIServer([Answer("Hello"), Refusal(429)]) as server:` and then `server.url`,
`server.requests`. As a process: `python -m tests.agent.support.openai_server --instant 20` prints
its URL and serves until it is ended.

Real sockets and real HTTP, written by hand, because a test must own every single write.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.agent.support.openai_http import HttpConnection, HttpRequest
from tests.agent.support.openai_replies import (
    Answer,
    Call,
    HangUp,
    Instant,
    Raw,
    Received,
    Refusal,
    Scripted,
    call,
    error_body,
    from_json,
    payloads,
)
from tests.agent.support.openai_strict import complaint

__all__ = [
    "Answer",
    "Call",
    "HangUp",
    "Instant",
    "OpenAIServer",
    "Raw",
    "Received",
    "Refusal",
    "call",
]

Script = Sequence[Scripted] | Callable[[Received], Scripted]


class OpenAIServer:
    """Serve a script: each request takes the next entry, or what the function makes of it.

    `requests` are those that came, the newest last; all of them, or only so many as `keep` says.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        strict: bool = True,
        port: int = 0,
        keep: int | None = None,
    ) -> None:
        self.requests: deque[Received] = deque(maxlen=keep)
        self.connections = 0
        self.url = ""
        self._script = script
        self._strict = strict
        self._port = port
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._number = 0

    def __enter__(self) -> "OpenAIServer":
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the fake provider does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def serve(self) -> None:
        """Serve until the end of the `with` block, or for ever in a process of its own."""
        self._loop = asyncio.get_running_loop()
        answering: set[asyncio.Task[None]] = set()
        open_ones: set[HttpConnection] = set()
        server = await self._loop.create_server(
            lambda: HttpConnection(self._answer, answering, open_ones), "127.0.0.1", self._port
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._started.set()
        await self._stop.wait()
        server.close()
        for connection in tuple(open_ones):
            connection.reset()
        for task in tuple(answering):
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    def use(self, script: Script) -> None:
        """Go on with another script; a function may look at each request."""
        self._script, self._number = script, 0

    def script(self, *entries: Scripted) -> None:
        """Play these from the next request on."""
        self.use(entries)

    async def _answer(self, request: HttpRequest, connection: HttpConnection) -> None:
        received = Received(_json(request.body), request.headers)
        self.connections += connection.requests == 1
        self.requests.append(received)
        try:
            scripted = self._refusal(request, received) or self._next(received)
            await _play(scripted, received, connection)
        finally:
            if connection.left_at is not None:
                received.left_at = connection.left_at
            received.ended.set()

    def _refusal(self, request: HttpRequest, received: Received) -> Refusal | None:
        if request.path != "/v1/chat/completions":
            return Refusal(404, f"Invalid URL ({request.path})")
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return Refusal(401, "You didn't provide an API key.", "invalid_api_key")
        if self._strict and (wrong := complaint(received.body)):
            return Refusal(400, wrong)
        return None

    def _next(self, received: Received) -> Scripted:
        if callable(self._script):
            return self._script(received)
        self._number += 1
        if self._number > len(self._script):
            return Refusal(400, "The script of the fake provider is at its end.")
        return self._script[self._number - 1]


async def _play(scripted: Scripted, received: Received, connection: HttpConnection) -> None:
    match scripted:
        case Answer():
            await _stream(scripted, received, connection)
        case Refusal(in_stream=True):
            error = error_body(replace(scripted, code=str(scripted.status)))
            body = b"data: " + json.dumps(error).encode() + b"\n\n"
            connection.respond(200, body, "text/event-stream")
        case Refusal():
            body = json.dumps(error_body(scripted)).encode()
            connection.respond(scripted.status, body, headers=scripted.headers)
        case Raw():
            connection.respond(scripted.status, scripted.body, scripted.content_type)
        case HangUp():
            connection.reset()


async def _stream(answer: Answer, received: Received, connection: HttpConnection) -> None:
    if answer.headers_delay:
        received.waiting.set()
        await asyncio.sleep(answer.headers_delay)
    connection.begin_stream()
    for number, payload in enumerate(payloads(answer, received.body), start=1):
        await connection.send(payload, tcp_piece=answer.tcp_piece)
        received.chunks_sent = number
        if answer.delay or answer.endless:
            await _pause(answer.delay, received, connection)
        while number == answer.stall_after:
            await _pause(answer.keep_alive or 3600, received, connection)
            await connection.send(b": still here\n\n", tcp_piece=0)
        if number == answer.abort_after:
            connection.flush()
            await asyncio.sleep(0)
            connection.reset()
            return
        if number == answer.end_after:
            break
    connection.end_stream()


async def _pause(seconds: float, received: Received, connection: HttpConnection) -> None:
    connection.flush()
    received.waiting.set()
    await asyncio.sleep(seconds)
    await connection.writable.wait()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def main(arguments: Sequence[str]) -> None:
    """Serve as a process of its own."""
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible provider.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--script", type=Path, metavar="FILE", help="a JSON list of replies")
    what.add_argument(
        "--instant", type=int, metavar="N", help="N calls for each goal, then the end"
    )
    parser.add_argument("--tool", default="list_files", help="what --instant calls")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(arguments)
    script: Script = (
        Instant(options.instant, tool=options.tool)
        if options.script is None
        else [from_json(entry) for entry in json.loads(options.script.read_text("utf-8"))]
    )
    with OpenAIServer(script, port=options.port, keep=0) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1:])

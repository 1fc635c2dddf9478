"""One connection to the hub, from its handshake to whatever ends it. The next one is another.

1. The client dials; the session begins when the hub has shaken hands.
2. What the hub asks runs in tasks of its own, never in the receive loop: it may ask for much,
   and what is asked may itself call the hub.
3. The first thing to fail ends everything else: the socket, the session, silence of the hub.
"""

import asyncio
import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, Protocol

from pysignalr.exceptions import AuthorizationError, HubError
from websockets.exceptions import WebSocketException

from steersman.bridge.wire import Kind, PlainClient, invocation
from steersman.core.events import JsonObject

MOST_HANDLED = 4096
"""What the hub may ask at once: it asks for all that it watches when we connect."""

_LARGEST_BYTES = 4 * 1024 * 1024
_log = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[object]]
TraceHeaders = Callable[[], Mapping[str, str]]


class LinkLost(Exception):
    """The connection ended, or could not be made. Whether an unanswered call ran is unknown."""


class LinkRefused(LinkLost):
    """The gateway does not want this agent: its key or its token is not valid."""


class CallFailed(Exception):
    """The hub answered a call with an error."""


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """`connect`, `call`, `handle` and `close` are limits; `refused` is the pause after a refusal.

    A hub that sends nothing for `silence` is gone. Pauses before another attempt are anything up
    to `shortest_pause`, doubled with each failure, up to `longest_pause`.
    """

    connect: timedelta = timedelta(seconds=10)
    call: timedelta = timedelta(seconds=10)
    handle: timedelta = timedelta(seconds=10)
    close: timedelta = timedelta(seconds=1)
    ping: timedelta = timedelta(seconds=10)
    silence: timedelta = timedelta(seconds=30)
    shortest_pause: timedelta = timedelta(seconds=0.2)
    longest_pause: timedelta = timedelta(seconds=5)
    refused: timedelta = timedelta(seconds=30)


class Session(Protocol):
    """What is said on one connection. `handlers` take what the hub asks, by its target."""

    @property
    def handlers(self) -> Mapping[str, Handler]: ...

    async def run(self) -> None:
        """Say what is to be said; the connection ends when this does."""
        ...


class Connection(PlainClient):
    """A connection as its session uses it."""

    def __init__(
        self, url: str, token: str, *, timing: LinkTiming, trace_headers: TraceHeaders
    ) -> None:
        seconds = math.ceil(timing.connect.total_seconds())
        super().__init__(url, token, seconds=seconds, largest_bytes=_LARGEST_BYTES)
        self._timing = timing
        self._trace_headers = trace_headers
        self._ids = itertools.count(1)
        self._calls: dict[str, asyncio.Future[Any]] = {}
        self._open = asyncio.Event()
        self._handlers: Mapping[str, Handler] = {}
        self._handled: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self.on_open(self._on_open)
        self.on_close(self._on_close)

    async def call(self, target: str, *arguments: object) -> Any:
        """Call a method of the hub. Raises CallFailed, LinkLost and TimeoutError."""
        call_id = str(next(self._ids))
        answer = self._calls[call_id] = self._loop.create_future()
        made = invocation(target, arguments, dict(self._trace_headers()))
        try:
            async with asyncio.timeout(self._timing.call.total_seconds()):
                await self._send({**made, "invocationId": call_id})
                return await answer
        finally:
            del self._calls[call_id]

    async def tell(self, target: str, *arguments: object) -> None:
        """Call a method of the hub and wait for nothing. Raises LinkLost."""
        await self._send(invocation(target, arguments, dict(self._trace_headers())))

    async def hold(self, begin: Callable[[], Session], up: Callable[[], None]) -> NoReturn:
        """Connect, call `up`, and run a session to its end or the connection's.

        Raises LinkLost, TimeoutError, or what the session raises.
        """
        try:
            async with self._group as group:
                session = begin()
                self._handlers = session.handlers
                group.create_task(self._run_client())
                async with asyncio.timeout(self._timing.connect.total_seconds()):
                    await self._open.wait()
                up()
                group.create_task(self._ping())
                group.create_task(self._mind_silence())
                await session.run()
                raise LinkLost("the session is over")
        except ExceptionGroup as errors:
            if _is_cancelled():  # a group whose members fail meanwhile swallows a cancellation
                raise asyncio.CancelledError from None
            raise _first_of(errors) from None
        finally:
            await self._hang_up()

    def receive(self, message: JsonObject) -> None:
        self._heard = self._loop.time()
        match message:
            case {"type": Kind.INVOCATION, "target": str(target)}:
                self._take(target, message)
            case {"type": Kind.COMPLETION, "invocationId": str(call_id)}:
                self._answer(call_id, message)
            case {"type": Kind.CLOSE}:
                raise LinkLost(f"closed by the hub: {message.get('error')}")
            case _:
                pass  # a ping, or something of a later version: a sign of life

    def _answer(self, call_id: str, message: JsonObject) -> None:
        answer = self._calls.get(call_id)
        if answer is None or answer.done():
            return
        if (error := message.get("error")) is not None:
            answer.set_exception(CallFailed(str(error)))
        else:
            answer.set_result(message.get("result"))

    def _take(self, target: str, message: JsonObject) -> None:
        if len(self._handled) >= MOST_HANDLED:
            raise LinkLost("the hub asks too much at once")
        handling = self._group.create_task(self._handle(target, message))
        self._handled.add(handling)
        handling.add_done_callback(self._handled.discard)

    async def _handle(self, target: str, message: JsonObject) -> None:
        fields = {"action": "hub_asks", "target": target}
        answer: JsonObject
        if (handler := self._handlers.get(target)) is None:
            _log.info("hub_asks_unknown", extra=fields)
            answer = {"error": "this agent does not know that method"}
        else:
            try:
                async with asyncio.timeout(self._timing.handle.total_seconds()):
                    answer = {"result": await handler(*message.get("arguments", ()))}
            except Exception as error:  # noqa: BLE001 - a boundary: one request must not end the link
                _log.exception("hub_request_failed", extra=fields)
                answer = {"error": type(error).__name__}
        if (call_id := message.get("invocationId")) is not None:
            await self._send({"type": Kind.COMPLETION, "invocationId": call_id, **answer})

    async def _send(self, message: JsonObject) -> None:
        try:
            await self.send_plain(message)
        except (RuntimeError, WebSocketException) as error:  # the first one is pysignalr's
            raise LinkLost(str(error)) from None

    async def _ping(self) -> None:
        # A WebSocket's own pings do not count for the hub's time limit.
        while True:
            await asyncio.sleep(self._timing.ping.total_seconds())
            await self._send({"type": Kind.PING})

    async def _mind_silence(self) -> None:
        limit = self._timing.silence.total_seconds()
        while True:
            left = self._heard + limit - self._loop.time()
            if left <= 0:
                raise LinkLost("the hub is silent")
            await asyncio.sleep(left)

    async def _run_client(self) -> None:
        try:
            await self.run()
        except LinkLost as lost:
            raise LinkLost(_deepest(lost)) from None
        except AuthorizationError:
            raise LinkRefused("the hub answers 401") from None
        except HubError as error:
            # They are frozen dataclasses, which context managers cannot carry.
            raise LinkLost(f"{type(error).__name__} {vars(error) or ''}") from None
        except Exception as error:  # noqa: BLE001 - a boundary: three vendors fail in their own ways
            raise LinkLost(f"{type(error).__name__}: {error}") from None
        raise LinkLost("the client ended")

    async def _on_open(self) -> None:
        self._open.set()

    async def _on_close(self) -> None:
        # pysignalr would connect again by itself, with an old token and an old session.
        raise LinkLost("the socket was closed")

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(self._timing.close.total_seconds()):
                await self.close()
        except TimeoutError:
            self.abort()


def _deepest(error: BaseException) -> str:
    """Tell what was behind it: the close frame, or why there was no connection."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _first_of(errors: BaseExceptionGroup[Exception]) -> Exception:
    first = errors.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first

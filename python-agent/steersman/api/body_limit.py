"""Bound the size of a request's body while it is read, before anything parses it."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAIN_BYTES = 16 * 1024 * 1024
"""So much of a body that is too large is read and dropped: who is cut while sending often does
not get to read the answer."""


class BodyLimit:
    """Answer 413 to a body of more than `limit(scope)` bytes."""

    def __init__(self, app: ASGIApp, limit: Callable[[Scope], int]) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _limited(scope, receive, self._limit(scope))
        await self._app(scope, receive, send)


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    announced = Headers(scope=scope).get("content-length", "")
    expected = int(announced) if announced.isdecimal() else 0
    size = 0

    async def limited() -> Message:
        nonlocal size
        if expected > DRAIN_BYTES and expected > limit:
            raise HTTPException(413)
        message = await receive()
        size += len(message.get("body", b""))
        while size > limit and size < limit + DRAIN_BYTES and message.get("more_body"):
            message = await receive()
            size += len(message.get("body", b""))
        if size > limit:
            # FastAPI turns any other exception in the middle of a body into a 400.
            raise HTTPException(413)
        return message

    return limited

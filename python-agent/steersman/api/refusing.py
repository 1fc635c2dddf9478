"""Refuse a request whose sender may still be sending, and have done with the connection."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from steersman.api.problems import Problem, problem_response

_DRAINED_BYTES = 1024 * 1024
_DRAINING_SECONDS = 2.0


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, read a little of the body and close.

    Who is cut while sending often does not get to read the answer; who sends much more than that
    after it wants something else than an answer.
    """

    async def send_late(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({**message, "more_body": True})
            await _drain(receive)
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    response = problem_response(problem, {"Connection": "close"})
    await response(scope, receive, send_late)


async def _drain(receive: Receive) -> None:
    size, more = 0, True
    try:
        async with asyncio.timeout(_DRAINING_SECONDS):
            while more and size < _DRAINED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return  # it sends as slowly as it can

"""`/ws/chat`: tasks over a WebSocket, as plain text, or as JSON with its subprotocol."""

import asyncio
from typing import Annotated, cast

from fastapi import Depends, WebSocket
from starlette.requests import HTTPConnection

from steersman.api.admission import Admission
from steersman.api.chat_json import JSON_PROTOCOL, JsonChat
from steersman.api.chat_text import TextChat
from steersman.api.dependencies import Api, Owner
from steersman.api.openapi import routes
from steersman.api.problems import describe, problem_response
from steersman.api.sockets import SocketGone, TextSocket
from steersman.core.errors import Malformed

router = routes()

_CLOSE_UNSUPPORTED = 4400


def _admission_of(connection: HTTPConnection) -> Admission:
    return cast(Admission, connection.app.state.admission)


@router.websocket("/ws/chat")
async def chat(
    websocket: WebSocket,
    api: Api,
    owner: Owner,
    admission: Annotated[Admission, Depends(_admission_of)],
) -> None:
    """Talk one of the two protocols until the client leaves. Its tasks go on without it."""
    offered: list[str] = websocket.scope.get("subprotocols", [])
    if offered and JSON_PROTOCOL not in offered:
        return await _refuse(websocket)
    await websocket.accept(subprotocol=JSON_PROTOCOL if offered else None)
    socket = TextSocket(websocket, api.timing.send_timeout)
    try:
        async with asyncio.TaskGroup() as group:
            if offered:
                await JsonChat(socket, api, owner, group=group).serve()
            else:
                await TextChat(socket, api, owner, group=group, admission=admission).serve()
    except* SocketGone:
        pass
    return None


async def _refuse(websocket: WebSocket) -> None:
    # Plain text would take a JSON command of a client that speaks another version for a goal.
    refusal = Malformed(f"The subprotocol here is {JSON_PROTOCOL}, or none for plain text.")
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(problem_response(describe(refusal)))
    else:
        await websocket.close(_CLOSE_UNSUPPORTED)

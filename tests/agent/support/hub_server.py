"""The gateway's side of the bridge, as far as an agent can tell: a SignalR hub on real sockets.

It speaks the JSON hub protocol over WebSockets, exchanges keys for tokens and publishes keys. A
test decides what it answers, what it asks, and how it misbehaves.
"""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from steersman.core.events import JsonObject
from tests.agent.support.tcp_gate import TcpGate, gate_before

END = "\x1e"
Answer = Callable[..., Awaitable[Any]]


class HubCall:
    """A method that an agent called."""

    def __init__(self, target: str, arguments: list[Any], headers: JsonObject) -> None:
        self.target, self.arguments, self.headers = target, arguments, headers


class HubConnection:
    """One agent that is connected."""

    def __init__(self, hub: "HubServer", websocket: WebSocket) -> None:
        self._hub = hub
        self._websocket = websocket
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future[JsonObject]] = {}
        self.token = websocket.headers["authorization"].removeprefix("Bearer ")
        self.gone = asyncio.Event()
        self.pings = 0

    async def ask(self, target: str, *arguments: object) -> JsonObject:
        """Ask the agent for a client result; return its completion."""
        call_id = f"s{next(self._ids)}"
        answer = self._asked[call_id] = asyncio.get_running_loop().create_future()
        await self.send(type=1, target=target, arguments=arguments, invocationId=call_id)
        async with asyncio.timeout(10):
            return await answer

    async def tell(self, target: str, *arguments: object) -> None:
        """Ask for nothing in return."""
        await self.send(type=1, target=target, arguments=arguments)

    async def send(self, **message: object) -> None:
        await self.send_text(json.dumps(message) + END)

    async def send_text(self, text: str) -> None:
        await self._websocket.send_text(text)

    async def end(self, error: str | None = None) -> None:
        """Close as a hub does: with a message, then the socket."""
        await self.send(type=7, **({"error": error} if error else {}))
        await self.close()

    async def close(self, code: int = 1000) -> None:
        """Close the socket, as a hub does when the token expires."""
        await self._websocket.close(code)

    async def serve(self) -> None:
        await self._websocket.accept()
        handshake = json.loads((await self._websocket.receive_text()).rstrip(END))
        assert handshake == {"protocol": "json", "version": 1}
        await self.send_text("{}" + END)
        self._hub.arrived.put_nowait(self)
        async with asyncio.TaskGroup() as group:
            pinging = group.create_task(self._ping())
            with suppress(WebSocketDisconnect):
                while True:
                    for part in (await self._websocket.receive_text()).split(END):
                        if part:
                            self._take(json.loads(part), group)
            self.gone.set()
            pinging.cancel()

    def _take(self, message: JsonObject, group: asyncio.TaskGroup) -> None:
        match message["type"]:
            case 1:
                group.create_task(self._call(message))
            case 3:
                if (asked := self._asked.pop(message["invocationId"], None)) is not None:
                    asked.set_result(message)
            case 6:
                self.pings += 1
            case _:
                raise AssertionError(message)

    async def _call(self, message: JsonObject) -> None:
        call = HubCall(message["target"], message["arguments"], message.get("headers", {}))
        self._hub.calls.append(call)
        answer: JsonObject
        try:
            method = self._hub.methods[call.target]
            answer = {"result": await method(self, *call.arguments)}
        except HubFailure as failure:
            answer = {"error": str(failure)}
        if "invocationId" in message and not self.gone.is_set():
            with suppress(WebSocketDisconnect, RuntimeError):
                await self.send(type=3, invocationId=message["invocationId"], **answer)

    async def _ping(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await asyncio.sleep(self._hub.ping_seconds)
                await self.send(type=6)


class HubFailure(Exception):
    """What a method of the hub answers as an error."""


class HubServer:
    """What all agents see. `methods` answer their calls; a status other than 200 refuses them."""

    def __init__(self) -> None:
        self.token_status = 200
        self.hub_status = 200
        self.jwks: bytes = b'{"keys": []}'
        self.keys_shown: list[str] = []
        self.arrived: asyncio.Queue[HubConnection] = asyncio.Queue()
        self.calls: list[HubCall] = []
        self.methods: dict[str, Answer] = {}
        self.ping_seconds = 0.05
        self._tokens = itertools.count(1)

    async def next(self) -> HubConnection:
        """Wait for the next agent that connects."""
        async with asyncio.timeout(15):
            return await self.arrived.get()

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/agents/token", self._token, methods=["POST"]),
                Route("/.well-known/jwks.json", self._jwks),
                Route("/hubs/agent/negotiate", self._negotiate, methods=["POST"]),
                WebSocketRoute("/hubs/agent", self._connect),
            ]
        )

    async def _token(self, request: Request) -> Response:
        self.keys_shown.append(request.headers["authorization"])
        body = {"access_token": f"hub-{next(self._tokens)}", "expires_in": 600, "extra": 1}
        return Response(json.dumps(body), self.token_status)

    async def _jwks(self, _request: Request) -> Response:
        return Response(self.jwks, 200)

    async def _negotiate(self, request: Request) -> Response:
        assert request.headers["authorization"].startswith("Bearer hub-")
        body = {"connectionId": "c1", "availableTransports": [{"transport": "WebSockets"}]}
        return Response(json.dumps(body), self.hub_status, media_type="application/json")

    async def _connect(self, websocket: WebSocket) -> None:
        await HubConnection(self, websocket).serve()


@asynccontextmanager
async def hub_behind_gate(hub: HubServer) -> AsyncGenerator[tuple[str, TcpGate]]:
    """Serve a hub on a free port; yield its address, which leads through a gate."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        hub.app, ws="websockets-sansio", log_config=None, lifespan="off", ws_max_size=2**22
    )
    server = uvicorn.Server(config)
    with closing(listening):
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server._serve([listening]))
            async with gate_before(listening.getsockname()[1]) as gate:
                yield f"http://127.0.0.1:{gate.port}", gate
            server.should_exit = server.force_exit = True
            await serving

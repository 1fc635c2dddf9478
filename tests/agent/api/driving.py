"""Ask the API: in process, through a real server, as a reader of server-sent events."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from steersman.api.application import create_api
from steersman.api.connections import Connections
from steersman.api.dependencies import ApiDependencies
from steersman.api.server import server_config

BASE_URL = "http://127.0.0.1:8000"
STREAM = {"Accept": "text/event-stream"}


def client_of(api: ApiDependencies, base_url: str = BASE_URL) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_api(api), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@asynccontextmanager
async def serving(
    api: ApiDependencies, connections: Connections | None = None
) -> AsyncGenerator[str]:
    """Run a real server on a free port; give its address without the scheme."""
    server = uvicorn.Server(server_config(create_api(api), connections))
    # Closed here too: where a test fails, the server is cancelled and leaves it open.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as group:
            group.create_task(server._serve([listening]))
            await until(lambda: server.started)
            yield f"127.0.0.1:{listening.getsockname()[1]}"
            api.closing.set()
            server.should_exit = True


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other coroutines bring about."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


async def messages(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Yield each message of a stream; a comment is `{"": text}`."""
    message: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            message[name] = value
        elif message:
            yield message
            message = {}


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Hold an answer against the shape of all errors."""
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    problem = response.json()
    assert problem.keys() - {"errors"} == {"type", "title", "status", "code", "detail"}
    assert (problem["status"], problem["code"]) == (status, code)
    return problem

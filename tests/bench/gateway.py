"""What the gateway adds: to an event's way to its viewer, and to a request.

The whole system as `steersman up` starts it. One task works for a person behind the gateway and is
watched over the hub and the bridge, another works for the agent's own token and is watched over
SSE; both at the same pace. An event's time is the database's, on the same machine.
"""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

from steersman.core.events import JsonObject
from tests.agent.support.openai_server import OpenAIServer
from tests.agent.up.running import here, up
from tests.bench.database import home
from tests.bench.figures import Figure, Section, percentile, spread
from tests.bench.paced import Paced

_EVENTS = 300
_WARM_UP = 20
_STEP_SECONDS = 0.05
_REQUESTS, _AT_ONCE = 1_000, 8
_EMAIL, _PASSWORD = "bench@example.com", "a passphrase of the bench"
_TOKEN = "the-bench-speaks-to-the-agent"
_RECORD_END = "\x1e"

Watch = Callable[[str], AsyncIterator[JsonObject]]
"""Yields each event of a task as it is received."""


@dataclass(frozen=True, slots=True)
class _System:
    """Where the gateway and the agent answer, and how one may ask them."""

    gateway: str
    agent: str
    person: str

    def clients(self) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
        """Return clients of the agent itself and of the gateway."""
        return (_client(self.agent, _TOKEN), _client(f"{self.gateway}/api", self.person))


async def measure() -> Section:
    """Start the system, and measure both ways one after the other."""
    if shutil.which("dotnet") is None:
        return Section("gateway", (), ("left out: dotnet is not installed",))
    with home() as directory, OpenAIServer(Paced(_STEP_SECONDS), keep=1) as provider:
        return await asyncio.to_thread(_in_system, directory, provider)


def _in_system(directory: Path, provider: OpenAIServer) -> Section:
    settings = here(directory, api_token=_TOKEN, model="openai/steps", model_base_url=provider.url)
    env = settings | {
        "OPENAI_API_KEY": "none",
        "Gateway__FirstUser__Email": _EMAIL,
        "Gateway__FirstUser__Password": _PASSWORD,
        "Gateway__Limits__RequestsPerSecond": "1000000",
        "Gateway__Limits__RequestBurst": "1000000",
    }
    with up(env) as system:
        system.wait_until_up()
        agent = f"http://127.0.0.1:{env['STEERSMAN_PORT']}"
        return asyncio.run(_measure(_System(system.url, agent, _person(system.url))))


def _person(gateway: str) -> str:
    """Sign in, and return a token that a script would have."""
    with httpx.Client(base_url=gateway) as http:
        session = http.post("/api/session", json={"email": _EMAIL, "password": _PASSWORD})
        view = session.raise_for_status().json()
        # The cookie is Secure, which httpx does not send over HTTP as browsers do on loopback.
        headers = {
            "Cookie": "; ".join(f"{c.name}={c.value}" for c in http.cookies.jar),
            "X-CSRF-Token": view["csrf_token"],
        }
        wish = {"name": "bench", "scopes": ["read", "write"]}
        made = http.post("/api/tokens", json=wish, headers=headers)
        return made.raise_for_status().json()["token"]


async def _measure(system: _System) -> Section:
    direct, through = system.clients()
    async with direct, through:
        by_sse = await _watched(direct, _over_sse(direct))
        by_hub = await _watched(through, _over_hub(system))
        rates = [await _rate(client) for client in (direct, through)]
    added = percentile(by_hub, 0.5) - percentile(by_sse, 0.5)
    figures = [
        *spread("commit to receipt, SSE of the agent", by_sse),
        *spread("commit to receipt, hub and bridge", by_hub),
        Figure("what hub and bridge add", added, "ms", most=5, statistic="p50"),
        Figure("a page of tasks, from the agent", rates[0], "requests/s"),
        Figure("a page of tasks, through the gateway", rates[1], "requests/s"),
        Figure("through the gateway over direct", rates[1] / rates[0], "times"),
    ]
    return Section("gateway", figures, (f"{_EVENTS} events; {_AT_ONCE} requests at once",))


async def _watched(client: httpx.AsyncClient, watch: Watch) -> list[float]:
    """Have a task work; return the milliseconds from each event's commit to its receipt."""
    wish = {"goal": "work", "limits": {"max_steps": 10_000}}
    task_id = (await client.post("/tasks", json=wish)).raise_for_status().json()["task_id"]
    taken: list[float] = []
    async for event in watch(task_id):
        taken.append((time.time() - datetime.fromisoformat(event["at"]).timestamp()) * 1000)
        if len(taken) == _WARM_UP + _EVENTS:
            break
    (await client.post(f"/tasks/{task_id}/stop")).raise_for_status()
    return taken[_WARM_UP:]


def _over_sse(client: httpx.AsyncClient) -> Watch:
    async def watch(task_id: str) -> AsyncIterator[JsonObject]:
        accept = {"Accept": "text/event-stream"}
        async with client.stream("GET", f"/tasks/{task_id}/events", headers=accept) as answer:
            name = ""
            async for line in answer.aiter_lines():
                word, _, value = line.partition(": ")
                if word == "event":
                    name = value
                elif word == "data" and name != "delta":
                    yield json.loads(value)

    return watch


def _over_hub(system: _System) -> Watch:
    async def watch(task_id: str) -> AsyncIterator[JsonObject]:
        url = f"{system.gateway.replace('http', 'ws')}/hubs/chat"
        headers = {"Authorization": f"Bearer {system.person}"}
        async with connect(url, additional_headers=headers) as socket:
            await socket.send(_record({"protocol": "json", "version": 1}))
            call_ = {"type": 4, "invocationId": "1", "target": "Watch", "arguments": [task_id, 0]}
            await socket.send(_record(call_))
            async for text in socket:
                for record in str(text).split(_RECORD_END):
                    message = json.loads(record or "{}")
                    for event in message.get("item", {}).get("events", ()):
                        yield event

    return watch


def _record(message: JsonObject) -> str:
    return json.dumps(message) + _RECORD_END


async def _rate(client: httpx.AsyncClient) -> float:
    """Return the requests per second that a few clients get answered."""
    left = iter(range(_REQUESTS))

    async def ask() -> None:
        for _ in left:
            (await client.get("/tasks", params={"limit": 1})).raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    return _REQUESTS / (time.perf_counter() - began)


def _client(url: str, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
    )

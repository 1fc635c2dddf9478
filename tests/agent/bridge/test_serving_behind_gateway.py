"""`steersman serve` with a gateway, as a process of its own: it waits for it, works, and ends."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from steersman.app.checks import check_link
from steersman.app.gateway import shown_url
from steersman.app.gateway_check import greet_gateway
from steersman.bridge.state import LinkState
from steersman.core.events import JsonObject
from steersman.settings import Settings
from tests.agent.api.driving import until
from tests.agent.bridge.signing import ALICE, BOB, Signer, jwks
from tests.agent.bridge.talking import Gateway
from tests.agent.e2e.processes import Serving, environment, serving
from tests.agent.support.hub_server import HubConnection, HubServer, hub_behind_gate
from tests.agent.support.tcp_gate import TcpGate

KEY = "the-key-of-this-agent"


class WholeGateway:
    """A hub that registers agents and keeps what they push, and signs people's tokens."""

    def __init__(self) -> None:
        self.signer = Signer()
        self.pushed = Gateway()
        self.hub = HubServer()
        self.hub.jwks = jwks(self.signer)
        self.hub.methods = {
            "Register": self._register,
            "Heartbeat": self._nothing,
            "PushEvents": self.pushed.push,
            "WatchEnded": self._nothing,
        }

    async def _register(self, _connection: HubConnection, _hello: JsonObject) -> JsonObject:
        return {"connection_id": "c", "max_batch_bytes": 65_536, "heartbeat_seconds": 1}

    async def _nothing(self, _connection: HubConnection, _argument: JsonObject) -> None:
        return None

    async def command(
        self, hub: HubConnection, person: str | None, command: JsonObject
    ) -> JsonObject:
        token = "made-up" if person is None else self.signer.token(person)
        return (await hub.ask("Execute", {"command": command, "token": token}))["result"]


@asynccontextmanager
async def served(env: dict[str, str]) -> AsyncGenerator[Serving]:
    context = serving(env)
    server = await asyncio.to_thread(context.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def env_of(home: Path, database_url: str, url: str) -> dict[str, str]:
    return environment(
        home, database_url=database_url, gateway_url=url, agent_key=KEY, sandbox="none"
    )


async def health(server: Serving, token: str) -> JsonObject:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        return (await http.get(f"{server.url}/health")).json()


async def says(server: Serving, action: str, message: str) -> JsonObject:
    return await asyncio.to_thread(
        server.wait_for,
        lambda line: line.get("action") == action and line.get("message") == message,
    )


@pytest.mark.slow
async def test_an_agent_that_is_there_before_its_gateway_waits_for_it_and_serves_it(
    home: Path, database_url: str
) -> None:
    gateway = WholeGateway()
    async with hub_behind_gate(gateway.hub) as (url, gate):
        await gate.shut()
        async with served(env_of(home, database_url, url)) as server:
            await says(server, "gateway", "gateway_unavailable")
            await says(server, "serving", "serving")
            await gate.open()
            hub = await gateway.hub.next()
            await says(server, "gateway", "gateway_connected")
            assert server.text.count("gateway_unavailable") == 1
            await people_are_served(gateway, hub, server)
            await ends_cleanly(gate, hub, server)
    assert KEY not in server.text


async def people_are_served(gateway: WholeGateway, hub: HubConnection, server: Serving) -> None:
    await until(lambda: any(c.target == "Register" for c in gateway.hub.calls))
    (hello,) = [c.arguments[0] for c in gateway.hub.calls if c.target == "Register"]
    assert (hello["url"], hello["contract_version"]) == (server.url, 1)
    submit = {"type": "submit_task", "goal": "x", "command_id": "once"}
    first = await gateway.command(hub, ALICE, submit)
    again = await gateway.command(hub, ALICE, submit)
    assert (first["type"], first["status"]) == ("answer", 202)
    assert again == first
    refused = await gateway.command(hub, None, submit)
    assert (refused["type"], refused["status"], refused["command_id"]) == ("error", 401, "once")
    for kind, status in (("watch", 400), ("stop_task", 404)):
        command = {"type": kind, "task_id": first["task_id"], "after": 0}
        other = await gateway.command(
            hub, BOB, command if kind == "watch" else without_after(command)
        )
        assert (other["type"], other["status"]) == ("error", status)
    task_id, token = first["task_id"], gateway.signer.token(ALICE)
    request = {"subscription_id": task_id, "task_id": task_id, "after": 0, "token": token}
    assert (await hub.ask("Watch", request))["result"] == {"status": 200}
    mine = {"subscription_id": "mine", "token": token}
    assert (await hub.ask("WatchOwner", mine))["result"] == {"status": 200}
    await gateway.pushed.has(task_id, 2)
    while not any(view["task_id"] == task_id for view in gateway.pushed.views):
        async with gateway.pushed.grown, asyncio.timeout(20):
            await gateway.pushed.grown.wait()
    assert (await health(server, token))["checks"]["gateway"]["status"] == "ok"


def without_after(command: JsonObject) -> JsonObject:
    return {name: value for name, value in command.items() if name != "after"}


async def ends_cleanly(gate: TcpGate, hub: HubConnection, server: Serving) -> None:
    assert await asyncio.to_thread(server.terminate) == 0
    async with asyncio.timeout(10):
        await hub.gone.wait()
    assert "Traceback" not in server.text
    assert "never retrieved" not in server.text


def test_the_link_is_a_part_of_how_the_agent_is() -> None:
    settings = Settings(gateway_url="http://gateway:1", agent_key=SecretStr("k"))
    assert check_link(Settings(), LinkState()).status == "ok"
    assert check_link(settings, LinkState()).detail == "http://gateway:1: not connected yet"
    down = check_link(settings, LinkState(failure="the gateway answers 503"))
    assert (down.status, down.detail) == (
        "degraded",
        "http://gateway:1: the gateway answers 503",
    )
    assert check_link(settings, LinkState(up_since=1.0, failure="before")).status == "ok"


async def test_the_doctor_greets_the_gateway() -> None:
    hub = HubServer()
    async with hub_behind_gate(hub) as (url, gate):
        assert (await greet_gateway(url, SecretStr(KEY))).status == "degraded"
        hub.jwks = jwks(Signer())
        found = await greet_gateway(url, SecretStr(KEY))
        assert (found.status, found.detail) == ("ok", f"{url} takes our key")
        hub.jwks = json.dumps([]).encode()
        assert (await greet_gateway(url, SecretStr(KEY))).status == "degraded"
        hub.token_status = 401
        refused = await greet_gateway(url, SecretStr(KEY))
        assert (refused.status, "STEERSMAN_AGENT_KEY" in str(refused.detail)) == (
            "unavailable",
            True,
        )
        await gate.shut()
        assert (await greet_gateway(url, SecretStr(KEY))).status == "degraded"
        await gate.open()


@pytest.mark.parametrize(
    ("ours", "gateways", "shown"),
    [
        ("http://10.0.0.7:8000", "http://gateway:8080", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8080", True),
        ("http://[::1]:8000", "http://localhost:8080", True),
        ("http://127.0.0.1:8000", "http://gateway:8080", False),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8080", False),
        ("http://[::]:8000", "http://gateway:8080", False),
    ],
)
def test_an_address_is_shown_only_where_it_means_us(ours: str, gateways: str, shown: bool) -> None:
    assert shown_url(ours, gateways) == (ours if shown else None)

"""Beside the agent's own token, a gateway's tokens open it, each for the person it names."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from steersman.api.dependencies import ApiDependencies
from steersman.core.errors import Unauthorized, Unavailable
from steersman.core.ids import LOCAL_OWNER, OwnerId
from tests.agent.api.driving import assert_problem, client_of, serving
from tests.agent.api.fakes import InMemoryTasks

ALICE = OwnerId("0197b2f0-0000-7000-8000-00000000000a")
OWN = "the-agents-own"


@dataclass
class Gateway:
    """Knows one token."""

    up: bool = True
    shown: list[str] = field(default_factory=list)

    async def identify(self, token: str) -> OwnerId:
        self.shown.append(token)
        if not self.up:
            raise Unavailable
        if token != "alices":
            raise Unauthorized
        return ALICE


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def behind(api: ApiDependencies, gateway: Gateway) -> ApiDependencies:
    return replace(api, identify=gateway.identify, api_token=OWN)


@pytest.fixture
async def http(behind: ApiDependencies) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(behind, "http://agent.example.com") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("token", "owner"), [("alices", ALICE), (OWN, LOCAL_OWNER)])
async def test_what_is_asked_for_belongs_to_the_one_who_asked(
    http: httpx.AsyncClient, tasks: InMemoryTasks, token: str, owner: OwnerId
) -> None:
    answer = await http.post("/tasks", json={"goal": "x"}, headers=bearer(token))
    assert answer.status_code == 202
    (view,) = (await http.get("/tasks", headers=bearer(token))).json()["items"]
    assert view["owner_id"] == owner


async def test_the_agents_own_token_is_never_shown_to_the_gateways_keys(
    http: httpx.AsyncClient, gateway: Gateway
) -> None:
    await http.get("/tasks", headers=bearer(OWN))
    assert gateway.shown == []


@pytest.mark.parametrize("headers", [{}, bearer("no"), bearer(""), {"Authorization": "Basic x"}])
@pytest.mark.parametrize("own", [OWN, None])
async def test_with_a_gateway_even_this_machine_shows_a_token(
    behind: ApiDependencies, headers: dict[str, str], own: str | None
) -> None:
    async with client_of(replace(behind, api_token=own)) as client:
        assert_problem(await client.get("/tasks", headers=headers), 401, "unauthorized")
        assert (await client.get("/health/live", headers=headers)).status_code == 200


async def test_headers_that_say_who_somebody_is_are_not_believed(http: httpx.AsyncClient) -> None:
    forged = {"X-User-Id": ALICE, "X-Forwarded-User": ALICE, "X-Owner": ALICE}
    assert_problem(await http.get("/tasks", headers=forged), 401, "unauthorized")
    await http.post("/tasks", json={"goal": "x"}, headers={**bearer(OWN), **forged})
    (view,) = (await http.get("/tasks", headers=bearer(OWN))).json()["items"]
    assert view["owner_id"] == LOCAL_OWNER


async def test_while_the_keys_cannot_be_had_a_client_is_told_to_come_back(
    http: httpx.AsyncClient, gateway: Gateway
) -> None:
    gateway.up = False
    answer = await http.get("/tasks", headers=bearer("alices"))
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    assert (await http.get("/tasks", headers=bearer(OWN))).status_code == 200


async def test_a_websocket_that_the_gateway_forwards_has_a_foreign_origin(
    behind: ApiDependencies,
) -> None:
    async with serving(behind) as address:
        url = f"ws://{address}/ws/chat"
        origin = Origin("https://gateway.example.com")
        async with connect(url, origin=origin, additional_headers=bearer("alices")) as chat:
            await chat.send("a goal")
            assert str(await chat.recv()).startswith("EVENT: TASK_ACCEPTED")
        async with connect(f"{url}?access_token=alices") as chat:
            await chat.send("a goal")
            assert str(await chat.recv()).startswith("EVENT: TASK_ACCEPTED")


@pytest.mark.parametrize(
    ("query", "origin", "status"),
    [
        ("", None, 401),
        ("?access_token=no", None, 401),
        ("?access_token=alices", Origin("https://x.y"), 403),
    ],
)
async def test_a_websocket_without_a_good_token_is_not_opened(
    behind: ApiDependencies, query: str, origin: Origin | None, status: int
) -> None:
    async with serving(behind) as address:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{address}/ws/chat{query}", origin=origin):
                pass
    assert refused.value.response.status_code == status


async def test_a_websocket_waits_for_a_gateway_whose_keys_are_not_known(
    behind: ApiDependencies, gateway: Gateway
) -> None:
    gateway.up = False
    async with serving(behind) as address:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{address}/ws/chat?access_token=alices"):
                pass
    assert refused.value.response.status_code == 503

"""Who is there, and how it is."""

import httpx

from steersman.api.dependencies import ApiDependencies
from steersman.api.ports import Check
from tests.agent.api.conftest import Process
from tests.agent.api.driving import assert_problem


async def test_roles_say_what_they_are_and_who_is_the_default(client: httpx.AsyncClient) -> None:
    assert (await client.get("/roles")).json() == {
        "items": [
            {
                "role": "developer",
                "description": "You change code.",
                "model": "openai/model",
                "tools": ["read_file"],
                "limits": {
                    "max_steps": 50,
                    "max_tokens": None,
                    "max_cost_usd": None,
                    "max_seconds": 3600.0,
                    "max_children": 8,
                    "max_depth": 3,
                },
                "default": True,
            }
        ]
    }


async def test_tools_have_their_schema(client: httpx.AsyncClient) -> None:
    (tool,) = (await client.get("/tools")).json()["items"]
    assert (tool["tool"], tool["effect"]) == ("read_file", "pure")
    assert tool["parameters"]["required"] == ["path"]


async def test_health_is_the_report(client: httpx.AsyncClient, process: Process) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, process.report.model_dump(mode="json"))


async def test_degraded_is_still_ready(client: httpx.AsyncClient, process: Process) -> None:
    process.report = process.report.model_copy(update={"status": "degraded"})
    assert (await client.get("/health")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200


async def test_unavailable_is_alive_but_not_ready(
    client: httpx.AsyncClient, process: Process
) -> None:
    down = {"database": Check(status="unavailable", detail="Is it running?")}
    process.report = process.report.model_copy(update={"status": "unavailable", "checks": down})
    health = await client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "unavailable")
    assert_problem(await client.get("/health/ready"), 503, "not_ready")
    assert (await client.get("/health/live")).json() == {"status": "ok"}


async def test_a_closing_server_is_not_ready(
    client: httpx.AsyncClient, api: ApiDependencies
) -> None:
    api.closing.set()
    assert_problem(await client.get("/health/ready"), 503, "not_ready")

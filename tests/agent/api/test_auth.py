"""Who may ask: with a token whoever shows it, without one only this machine."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx
import pytest

from steersman.api.dependencies import ApiDependencies
from tests.agent.api.driving import BASE_URL, assert_problem, client_of

TOKEN = "s3cret-\u00e9"


@pytest.fixture
async def guarded(api: ApiDependencies) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(replace(api, api_token=TOKEN), "http://agent.example.com") as client:
        yield client


async def test_the_token_opens_every_route(guarded: httpx.AsyncClient) -> None:
    bearer = f"Bearer {TOKEN}".encode().decode("latin-1")  # the bytes of UTF-8, as a client sends
    answer = await guarded.get("/tasks", headers={b"Authorization": bearer.encode("latin-1")})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic s3cret", f"Bearer {'x' * 10_000}"]
)
@pytest.mark.parametrize(
    "path", ["/tasks", "/health", "/roles", "/nothing", "/tasks?access_token=x"]
)
async def test_without_the_token_nothing_is_told(
    guarded: httpx.AsyncClient, path: str, header: str | None
) -> None:
    answer = await guarded.get(path, headers={"Authorization": header} if header else {})
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="steersman"'


async def test_a_token_in_the_query_of_a_request_is_not_read(api: ApiDependencies) -> None:
    async with client_of(replace(api, api_token="plain")) as client:
        answer = await client.get("/tasks", params={"access_token": "plain"})
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json"])
async def test_probes_and_the_document_need_no_token(guarded: httpx.AsyncClient, path: str) -> None:
    assert (await guarded.get(path)).status_code == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "localhost", "localhost:8000", "[::1]:8000", "a.localhost"]
)
async def test_without_a_token_this_machine_may_ask(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/tasks", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "192.168.0.9", "", "[", "a@b"]
)
@pytest.mark.parametrize("path", ["/tasks", "/health/live"])
async def test_without_a_token_foreign_names_are_refused(
    client: httpx.AsyncClient, host: str, path: str
) -> None:
    assert_problem(await client.get(path, headers={"Host": host}), 403, "forbidden")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (BASE_URL, 202),
        (BASE_URL.upper(), 202),
        (f"{BASE_URL}:3000", 403),
        (BASE_URL.replace("http:", "https:"), 403),
        ("http://localhost:3000", 403),
        ("http://evil.localhost:5500", 403),
        ("http://127.9.9.9", 403),
        ("https://evil.example", 403),
        ("https://localhost.evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_without_a_token_foreign_pages_are_refused(
    client: httpx.AsyncClient, origin: str, status: int
) -> None:
    answer = await client.post("/tasks", json={"goal": "x"}, headers={"Origin": origin})
    assert answer.status_code == status


async def test_the_base_url_of_these_tests_is_loopback() -> None:
    assert BASE_URL.startswith("http://127.")

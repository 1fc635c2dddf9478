"""Code in and out over HTTP, from the upload to the archive, with a real store and real folders."""

import gzip
import io
import tarfile
from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx
import pytest

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryHints, InMemoryViewCache
from steersman.adapters.postgres.journal import PostgresJournal
from steersman.api.dependencies import ApiDependencies
from steersman.core.clock import SystemClock
from steersman.core.ids import LOCAL_OWNER, WorkerId
from steersman.core.roles import Team
from steersman.core.runtime import NoTelemetry, Recording
from steersman.core.tasks import Defaults, Tasks
from tests.agent.api.conftest import DEVELOPER
from tests.agent.api.driving import assert_problem, client_of
from tests.agent.postgres.making import HOST
from tests.agent.workspaces.archives import file, link, tar
from tests.agent.workspaces.conftest import Host

pytestmark = pytest.mark.slow  # real processes and servers, seconds each

TEAM = Team({"developer": DEVELOPER}, "test")
SHOP = tar(file("shop/cart.py", b"total = 1\n"), link("latest", "shop/cart.py"))


@pytest.fixture
def real_api(api: ApiDependencies, host: Host) -> ApiDependencies:
    journal = PostgresJournal(host.store.pool, WorkerId("api"), HOST)
    recording = Recording(
        journal, InMemoryViewCache(), InMemoryHints(), SystemClock(), NoTelemetry()
    )
    tasks = Tasks(
        host.store.tasks,
        recording,
        team=TEAM,
        defaults=Defaults("developer"),
        deltas=InMemoryDeltaFeed(),
    )
    return replace(api, tasks=tasks, workspaces=host.workspaces)


@pytest.fixture
async def http(real_api: ApiDependencies) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(real_api) as client:
        yield client


async def begun(http: httpx.AsyncClient, host: Host) -> str:
    """Submit a task over HTTP and open its workspace, as a worker does."""
    answer = await http.post("/tasks", json={"goal": "Make it work", "workspace": "shop"})
    claim = await host.claim()
    assert claim.workspace is not None
    await host.workspaces.open(claim.task_id, claim.workspace)
    return answer.json()["task_id"]


async def test_an_archive_goes_in_and_what_a_task_made_of_it_comes_out(
    http: httpx.AsyncClient, host: Host
) -> None:
    stored = await http.put("/workspaces/shop", content=SHOP)
    assert (stored.status_code, stored.json()) == (
        201,
        {"workspace": "shop", "files": 2, "bytes": 10},
    )
    task_id = await begun(http, host)
    shop = host.settings.workspaces / LOCAL_OWNER / "shop"
    (shop / "shop/cart.py").write_text("total = 2\n")
    listing = (await http.get(f"/tasks/{task_id}/files")).json()
    assert [item["path"] for item in listing["files"]] == ["shop/cart.py"]
    assert (await http.get(f"/tasks/{task_id}/files/shop/cart.py")).content == b"total = 2\n"
    assert b"-total = 1\n+total = 2\n" in (await http.get(f"/tasks/{task_id}/diff")).content
    archive = (await http.get(f"/tasks/{task_id}/archive")).content
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        assert packed.getnames() == ["latest", "shop", "shop/cart.py"]
    assert_problem(await http.put("/workspaces/shop", content=SHOP), 409, "workspace_busy")
    again = await http.put("/workspaces/other", content=archive)
    assert again.json() == {"workspace": "other", "files": 2, "bytes": 10}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"hello", 400, "malformed"),
        (tar(file("../up")), 400, "malformed"),
        (gzip.compress(tar(file("giant", bytes(70_000_000))), 1), 413, "too_large"),
    ],
    ids=["no-archive", "leads-out", "bomb"],
)
async def test_what_is_wrong_with_an_archive_is_a_problem(
    http: httpx.AsyncClient, host: Host, body: bytes, status: int, code: str
) -> None:
    assert_problem(await http.put("/workspaces/shop", content=body), status, code)
    assert not host.settings.workspaces.joinpath(LOCAL_OWNER).exists()


async def test_a_repository_that_cannot_be_reached_is_a_problem(http: httpx.AsyncClient) -> None:
    body = {"git": {"url": "git://127.0.0.1:1/shop"}}
    problem = assert_problem(await http.put("/workspaces/shop", json=body), 422, "invalid")
    assert "127.0.0.1" in problem["detail"]

"""The server as an operator meets it: addresses, tokens, wrong settings, no database."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from steersman.adapters.postgres.embedded import start_embedded
from tests.agent.e2e.conftest import SHOP, put_workspace
from tests.agent.e2e.processes import (
    Serving,
    environment,
    events_of,
    serving,
    steersman,
    wait_for_state,
)
from tests.agent.e2e.test_crashes import GOAL, assert_whole

pytestmark = pytest.mark.slow


def test_it_answers_and_says_how_it_is(agent: Serving) -> None:
    report = httpx.get(f"{agent.url}/health").json()
    assert (report["status"], report["agent_status"], report["capacity"]) in (
        ("ok", "IDLE", 4),
        ("degraded", "IDLE", 4),  # where bubblewrap does not work
    )
    assert report["roles"] == ["orchestrator", "developer", "tester"]
    assert report["checks"]["database"]["status"] == "ok"
    assert httpx.get(f"{agent.url}/health/ready").status_code == 200
    paths = httpx.get(f"{agent.url}/openapi.json").json()["paths"]
    assert "/tasks/{task_id}/events" in paths
    assert "/approvals" in paths
    assert "/conversations" in paths
    assert "/tasks/{task_id}/tree" in paths
    for not_yet in ("/memories", "/knowledge"):
        assert not_yet not in paths
        assert httpx.get(f"{agent.url}{not_yet}").status_code == 404


def test_without_a_token_only_this_machine_may_ask(home: Path) -> None:
    done = steersman("serve", "--host", "0.0.0.0", env=environment(home))
    assert done.returncode == 2
    assert done.stderr == (
        "steersman: STEERSMAN_HOST=0.0.0.0: without STEERSMAN_API_TOKEN only this machine may"
        " connect; set a token or use 127.0.0.1\n"
    )


def test_with_a_token_everybody_shows_it(home: Path, database_url: str) -> None:
    token = "a-token-of-this-test"
    env = environment(home, database_url=database_url, api_token=token)
    with serving(env, "--host", "0.0.0.0") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/tasks").status_code == 401
        assert httpx.get(f"{url}/tasks", headers={"Authorization": "Bearer no"}).status_code == 401
        with_token = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/tasks", headers=with_token).status_code == 200
        remote = {**env, "STEERSMAN_URL": url}
        assert steersman("tasks", env=remote).returncode == 0
        assert token not in server.text


def test_an_address_that_is_taken_is_one_line(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = steersman("serve", "--port", port, env=env)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("concurrency", "many", "STEERSMAN_CONCURRENCY (from environment): expected a whole"),
        ("roles", "developer,tseter", "There is no role 'tseter'; roles.toml has: developer"),
        ("prompts", "/nowhere", "STEERSMAN_PROMPTS: expected a folder with roles.toml at /nowhere"),
        ("database_url", "mysql://x", "STEERSMAN_DATABASE_URL (from environment): expected post"),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_was_expected(
    home: Path, setting: str, value: str, said: str
) -> None:
    done = steersman("serve", "--port", "0", env=environment(home, **{setting: value}))
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_in_the_team_names_file_and_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "roles.toml").write_text('[developer]\ndescription = "x"\ntoolz = ["read_file"]\n')
    done = steersman("run", "x", env=environment(home, prompts=tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path / 'roles.toml'}:3: developer.toolz: unknown key; expected" in done.stderr


def test_it_starts_while_the_database_is_down_and_works_when_it_is_up(home: Path) -> None:
    directory = home / "elsewhere"
    server = asyncio.run(start_embedded(directory))
    dsn = server.dsn()
    server.close()
    with serving(environment(home, database_url=dsn)) as agent:
        answer = httpx.post(f"{agent.url}/tasks", json={"goal": "x"}, timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert httpx.get(f"{agent.url}/health").status_code == 503
        assert httpx.get(f"{agent.url}/health/ready").status_code == 503
        assert httpx.get(f"{agent.url}/health/live").status_code == 200
        server = asyncio.run(start_embedded(directory))
        try:
            agent.wait_for(lambda line: line.get("action") == "working")
            accepted = httpx.post(f"{agent.url}/tasks", json={"goal": "x"}).json()
            assert wait_for_state(agent.url, accepted["task_id"], ("failed",))
        finally:
            assert agent.terminate() == 0
            server.close()


def test_a_database_that_goes_away_loses_nothing(home: Path) -> None:
    directory = home / "elsewhere"
    server = asyncio.run(start_embedded(directory))
    with serving(environment(home, database_url=server.dsn())) as agent:
        put_workspace(agent.url, "shop", SHOP)
        task = {"goal": GOAL, "workspace": "shop"}
        task_id = httpx.post(f"{agent.url}/tasks", json=task).json()["task_id"]
        agent.wait_for(lambda line: line.get("action") == "action_succeeded")
        assert server.close()
        agent.wait_for(lambda line: line.get("level") in ("WARNING", "warning"))
        server = asyncio.run(start_embedded(directory))
        try:
            view = wait_for_state(agent.url, task_id, ("completed", "failed", "stopped"))
            assert view["state"] == "completed", view
            assert_whole(events_of(agent.url, task_id))
        finally:
            assert agent.terminate() == 0
            server.close()

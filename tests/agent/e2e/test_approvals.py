"""Approvals of a real server: after a kill -9, in another order, edited, expired, twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import environment, events_of, serving, wait_for_state
from tests.agent.e2e.test_crashes import assert_whole

pytestmark = pytest.mark.slow

FINAL = ("completed", "failed", "stopped")
ONE, TWO = "echo one >> effects.log", "echo two >> effects.log"


@pytest.fixture
def env(home: Path, database_url: str, tmp_path: Path) -> dict[str, str]:
    """A team whose commands all wait for a person; the model wants to run two of them."""
    return asking(home, database_url, tmp_path)


def asking(home: Path, database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of such a team."""
    calls = [
        {"tool": "execute_terminal_command", "arguments": {"command": command}}
        for command in (ONE, TWO)
    ]
    done = {"tool": "finish_task", "arguments": {"result": "Done."}}
    replies = [
        {"text": "Both.", "calls": calls, "expect": ["(?s).*"]},
        {"text": "Done.", "calls": [done], "expect": ["(?s).*"]},
    ]
    cassette = tmp_path / "cassette.json"
    cassette.write_text(json.dumps({"goal": "ask", "replies": replies}))
    return environment(
        home,
        database_url=database_url,
        model=f"scripted/{cassette}",
        approvals="execute_terminal_command=always",
        lease_seconds=2,
        sandbox="none",
    )


def begin(url: str) -> str:
    """Submit the task and wait until it asks."""
    task = {"goal": "ask", "workspace": "w"}
    task_id = httpx.post(f"{url}/tasks", json=task).raise_for_status().json()["task_id"]
    assert wait_for_state(url, task_id, ("waiting",))["waiting_for"] == ["approval"]
    return task_id


def pending(url: str) -> list[JsonObject]:
    """Return what waits, in the order in which it was asked for."""
    answer = httpx.get(f"{url}/approvals", params={"state": "pending"}).raise_for_status()
    return answer.json()["items"][::-1]


def decide(url: str, shown: JsonObject, decision: str, **fields: object) -> httpx.Response:
    body = {"decision": decision, "arguments_sha256": shown["arguments_sha256"], **fields}
    return httpx.post(f"{url}/approvals/{shown['approval_id']}", json=body)


def effects(home: Path) -> list[str]:
    log = home / "workspaces/local/w/effects.log"
    return log.read_text().split() if log.exists() else []


def test_what_was_asked_before_a_kill_is_approved_after_it(env: dict[str, str], home: Path) -> None:
    with serving(env) as first:
        task_id = begin(first.url)
        shown = pending(first.url)
        first.kill()
    with serving(env) as second:
        answers = [decide(second.url, one, "approve") for one in reversed(shown)]
        assert [answer.status_code for answer in answers] == [200, 200]
        view = wait_for_state(second.url, task_id, FINAL)
        assert (view["state"], effects(home)) == ("completed", ["one", "two"])
        assert_whole(events_of(second.url, task_id))


def test_a_kill_after_each_decision_loses_none_and_repeats_none(
    env: dict[str, str], home: Path
) -> None:
    with serving(env) as first:
        task_id = begin(first.url)
        one, two = pending(first.url)
        assert decide(first.url, two, "approve").status_code == 200
        first.kill()
    with serving({**env, "STEERSMAN_FAILPOINT": "committed:1:kill"}) as second:
        late = decide(second.url, two, "reject")
        assert (late.status_code, late.json()["code"]) == (409, "approval_decided")
        with pytest.raises(httpx.TransportError):
            decide(second.url, one, "approve")
    with serving(env) as third:
        view = wait_for_state(third.url, task_id, FINAL)
        events = events_of(third.url, task_id)
        late = decide(third.url, one, "reject")
    assert (late.status_code, late.json()["code"]) == (409, "task_ended")
    assert view["state"] == "completed"
    assert_whole(events)
    assert effects(home) == ["one", "two"]


def test_what_was_edited_runs_and_nothing_else(env: dict[str, str], home: Path) -> None:
    with serving(env) as server:
        task_id = begin(server.url)
        first, second = pending(server.url)
        wrong = decide(server.url, first, "approve", arguments={"comand": "x"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
        edited = {"command": "echo edited >> effects.log"}
        assert decide(server.url, first, "approve", arguments=edited).status_code == 200
        assert decide(server.url, second, "reject", reason="Not two.").status_code == 200
        view = wait_for_state(server.url, task_id, FINAL)
        assert (view["state"], effects(home)) == ("completed", ["edited"])


def test_of_two_deciders_one_is_told_that_it_is_decided(env: dict[str, str]) -> None:
    with serving(env) as server, ThreadPoolExecutor(2) as pool:
        begin(server.url)
        shown = pending(server.url)[0]
        changed = decide(server.url, {**shown, "arguments_sha256": "0" * 64}, "approve")
        assert (changed.status_code, changed.json()["code"]) == (409, "approval_changed")
        both = pool.map(lambda what: decide(server.url, shown, what), ("approve", "reject"))
        codes = sorted((a.status_code, a.json().get("code", "")) for a in both)
        assert codes == [(200, ""), (409, "approval_decided")]


def test_what_nobody_decides_in_time_is_not_run(env: dict[str, str], home: Path) -> None:
    with serving({**env, "STEERSMAN_APPROVAL_TTL_SECONDS": "1"}) as server:
        task = {"goal": "ask", "workspace": "w"}
        task_id = httpx.post(f"{server.url}/tasks", json=task).json()["task_id"]
        view = wait_for_state(server.url, task_id, FINAL)
        assert (view["state"], effects(home)) == ("completed", [])
        states = [one["state"] for one in httpx.get(f"{server.url}/approvals").json()["items"]]
        assert states == ["expired", "expired"]
        assert_whole(events_of(server.url, task_id))

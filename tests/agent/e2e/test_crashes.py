"""A server that is killed goes on where it stood when it is started again."""

import signal
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import httpx
import pytest

from steersman.core.events import JsonObject
from tests.agent.e2e.conftest import SHOP, put_workspace
from tests.agent.e2e.processes import (
    Serving,
    environment,
    events_of,
    serving,
    types_of,
    wait_for_state,
)

pytestmark = pytest.mark.slow

GOAL = "make the failing tests pass"
OUTCOMES = {"action_succeeded", "action_failed", "action_interrupted"}


def begin(server: Serving) -> str:
    put_workspace(server.url, "shop", SHOP)
    answer = httpx.post(f"{server.url}/tasks", json={"goal": GOAL, "workspace": "shop"})
    assert answer.status_code == 202, answer.text
    return answer.json()["task_id"]


def kill_after(env: Mapping[str, str], kind: str, task_id: str | None, number: int) -> str:
    """Serve until the log holds `number` events of a kind, then kill -9. Return the task."""
    with serving(env) as server:
        task_id = task_id or begin(server)
        seen = 0
        for line in _follow(server, task_id):
            seen += line["type"] == kind
            if seen >= number:
                break
        server.kill()
    return task_id


def _follow(server: Serving, task_id: str):
    after = 0
    for _ in count():
        page = httpx.get(f"{server.url}/tasks/{task_id}/events?after={after}").json()
        yield from page["events"]
        after = page["next_after"]
        if page["final"]:
            raise AssertionError(f"it ended before it was killed: {page}")


def assert_whole(events: list[JsonObject]) -> None:
    """Hold a final log against what every log must be."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    epochs = [event["epoch"] for event in events]
    assert epochs == sorted(epochs)
    calls = [a["action_id"] for e in events for a in e.get("actions", ())]
    outcomes = [e["action_id"] for e in events if e["type"] in OUTCOMES]
    assert sorted(calls) == sorted(outcomes)


def test_killed_again_and_again_it_still_completes(home: Path, database_url: str) -> None:
    env = environment(home, database_url=database_url, lease_seconds=2)
    task_id = None
    for number in (2, 4, 6):
        task_id = kill_after(env, "thought_recorded", task_id, number)
    with serving(env) as server:
        assert task_id is not None
        view = wait_for_state(server.url, task_id, ("completed", "failed", "stopped"))
        events = events_of(server.url, task_id)
        diff = httpx.get(f"{server.url}/tasks/{task_id}/diff").text
    assert view["state"] == "completed", view
    assert_whole(events)
    assert types_of(events).count("task_claimed") >= 4
    assert "+        return round_to_cents(subtotal(lines) * self.percent / 100)" in diff


def test_a_server_that_is_asked_to_end_hands_its_task_back(home: Path, database_url: str) -> None:
    env = environment(home, database_url=database_url)
    with serving(env) as first:
        task_id = begin(first)
        for event in _follow(first, task_id):
            if event["type"] == "thought_recorded":
                break
        assert first.terminate() == 0
    with serving(env) as second:
        view = wait_for_state(second.url, task_id, ("completed", "failed", "stopped"))
        events = events_of(second.url, task_id)
    assert view["state"] == "completed", view
    assert [e["reason"] for e in events if e["type"] == "task_claimed"][-1] == "resumed"
    assert_whole(events)


def test_a_frozen_server_loses_its_task_and_writes_nothing_more(
    home: Path, database_url: str, tmp_path: Path
) -> None:
    env = environment(home, database_url=database_url, lease_seconds=2)
    with serving(env) as first:
        task_id = begin(first)
        for event in _follow(first, task_id):
            if event["type"] == "thought_recorded":
                break
        first.process.send_signal(signal.SIGSTOP)
        with serving(env) as second:
            view = wait_for_state(second.url, task_id, ("completed", "failed", "stopped"))
            first.process.send_signal(signal.SIGCONT)
            assert view["state"] == "completed", view
            events = events_of(second.url, task_id)
            assert first.terminate() == 0
            assert events_of(second.url, task_id) == events
    assert "takeover" in {e.get("reason") for e in events}
    assert_whole(events)

"""The sweep: each failpoint killed, frozen and thawed, misled, and killed again on the way back.

One task runs over pure, idempotent, transactional and unsafe calls; the unsafe ones leave a line
each in a file, which is the outside world. Afterwards nothing is lost and nothing was done twice.
"""

import json
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from steersman.core.events import JsonObject
from steersman.core.runtime import FAILPOINTS
from tests.agent.e2e.processes import (
    environment,
    events_of,
    serving,
    steersman,
    types_of,
    wait_for_state,
)
from tests.agent.e2e.test_crashes import assert_whole

pytestmark = pytest.mark.slow

GOAL = "rehearse"
FINAL = ("completed", "failed", "stopped")
ANYTHING = [r"(?s).*"]


def _reply(text: str, *calls: JsonObject) -> JsonObject:
    return {"text": text, "calls": list(calls), "expect": ANYTHING}


def _call(tool: str, **arguments: object) -> JsonObject:
    return {"tool": tool, "arguments": arguments}


CASSETTE = {
    "goal": GOAL,
    "replies": [
        _reply("First look.", _call("list_files")),
        _reply("Then write.", _call("write_file", path="a.txt", content="one\n")),
        _reply("Run once.", _call("execute_terminal_command", command="echo first >> effects.log")),
        _reply(
            "Edit and run again.",
            _call("edit_file", path="a.txt", old_text="one", new_text="two"),
            _call("execute_terminal_command", command="echo second >> effects.log"),
        ),
        _reply("Done.", _call("finish_task", result="rehearsed")),
    ],
}


@pytest.fixture
def settings(home: Path, database_url: str, tmp_path: Path) -> dict[str, object]:
    cassette = tmp_path / "cassette.json"
    cassette.write_text(json.dumps(CASSETTE))
    return {
        "database_url": database_url,
        "model": f"scripted/{cassette}",
        "lease_seconds": 2,
        "home": home,
    }


def env_with(settings: Mapping[str, object], failpoint: str | None = None) -> dict[str, str]:
    rest = {name: value for name, value in settings.items() if name != "home"}
    return environment(Path(str(settings["home"])), failpoint=failpoint, **rest)


def submit(url: str) -> str:
    answer = httpx.post(f"{url}/tasks", json={"goal": GOAL, "workspace": "w"})
    assert answer.status_code == 202, answer.text
    return answer.json()["task_id"]


def assert_nothing_lost_or_doubled(home: Path, view: JsonObject, events: list[JsonObject]) -> None:
    """Hold the log against the outside world."""
    assert view["state"] == "completed", (view, types_of(events))
    assert_whole(events)
    directory = home / "workspaces/local/w"
    assert (directory / "a.txt").read_text() == "two\n"
    effects = Counter((directory / "effects.log").read_text().split())
    unknown = [e for e in events if e.get("reason") == "outcome_unknown"]
    done = [e for e in events if e["type"] == "action_succeeded" and e.get("exit_code") == 0]
    # A call whose outcome is known ran exactly once. One whose outcome is unknown ran once at
    # most, and the model, which was told, did it again.
    assert sum(effects.values()) <= len(done) + len(unknown)
    assert sum(effects.values()) >= len(done)
    assert set(effects) == {"first", "second"}


@pytest.mark.parametrize("visit", [1, 3])
@pytest.mark.parametrize("name", FAILPOINTS)
def test_killed_there_the_next_process_goes_on(
    home: Path, settings: dict[str, object], name: str, visit: int
) -> None:
    with serving(env_with(settings, f"{name}:{visit}:kill")) as first:
        task_id = submit(first.url)
        ended = _end_or_final(first.url, task_id, first.process.poll)
    with serving(env_with(settings)) as second:
        view = wait_for_state(second.url, task_id, FINAL)
        events = events_of(second.url, task_id)
    assert_nothing_lost_or_doubled(home, view, events)
    assert ended or (name, visit) in {("claimed", 3), ("releasing", 3)}  # not reached so often


@pytest.mark.parametrize("name", FAILPOINTS)
def test_killed_again_on_the_way_back_it_still_goes_on(
    home: Path, settings: dict[str, object], name: str
) -> None:
    with serving(env_with(settings, f"{name}:2:kill")) as first:
        task_id = submit(first.url)
        _end_or_final(first.url, task_id, first.process.poll)
    with serving(env_with(settings, "committing:1:kill")) as second:
        _end_or_final(second.url, task_id, second.process.poll)
    with serving(env_with(settings)) as third:
        view = wait_for_state(third.url, task_id, FINAL)
        events = events_of(third.url, task_id)
    assert_nothing_lost_or_doubled(home, view, events)


@pytest.mark.parametrize("name", FAILPOINTS)
def test_frozen_there_another_takes_over_and_the_thawed_one_writes_nothing(
    home: Path, settings: dict[str, object], name: str
) -> None:
    with serving(env_with(settings, f"{name}:2:stop")) as frozen:
        task_id = submit(frozen.url)
        with serving(env_with(settings)) as other:
            view = wait_for_state(other.url, task_id, FINAL)
            events = events_of(other.url, task_id)
            frozen.process.send_signal(signal.SIGCONT)
            assert frozen.terminate() == 0
            assert events_of(other.url, task_id) == events
    assert_nothing_lost_or_doubled(home, view, events)


@pytest.mark.parametrize("name", ["thought", "acted"])
def test_where_the_loop_stands_still_the_lease_ends_though_its_thread_goes_on(
    home: Path, settings: dict[str, object], name: str
) -> None:
    with serving(env_with(settings, f"{name}:2:hang")) as hung:
        task_id = submit(hung.url)
        with serving(env_with(settings)) as other:
            view = wait_for_state(other.url, task_id, FINAL)
            events = events_of(other.url, task_id)
            lost = hung.wait_for(lambda line: line.get("action") == "worker_lease_lost")
            hung.process.send_signal(signal.SIGCONT)
            assert hung.terminate() == 0
            assert events_of(other.url, task_id) == events
    assert lost["reason"] == "standstill"
    assert [e["reason"] for e in events if e["type"] == "task_claimed"] == ["new", "takeover"]
    assert_nothing_lost_or_doubled(home, view, events)


@pytest.mark.parametrize("visit", [1, 2, 3, 4, 5, 6])
def test_an_answer_that_is_lost_commits_once(
    home: Path, settings: dict[str, object], visit: int
) -> None:
    with serving(env_with(settings, f"acknowledged:{visit}:lostack")) as server:
        task_id = submit(server.url)
        view = wait_for_state(server.url, task_id, FINAL)
        events = events_of(server.url, task_id)
    assert_nothing_lost_or_doubled(home, view, events)
    assert types_of(events).count("task_claimed") == 1


@pytest.mark.parametrize("name", ["claimed", "thought", "committing", "told"])
def test_a_bug_there_ends_neither_the_task_nor_the_process(
    home: Path, settings: dict[str, object], name: str
) -> None:
    with serving(env_with(settings, f"{name}:2:raise")) as server:
        task_id = submit(server.url)
        view = wait_for_state(server.url, task_id, FINAL)
        events = events_of(server.url, task_id)
        assert server.process.poll() is None
    assert_nothing_lost_or_doubled(home, view, events)


def test_a_failpoint_that_does_not_exist_is_told(settings: dict[str, object]) -> None:
    done = steersman("serve", "--port", "0", env=env_with(settings, "nowhere:1:kill"))
    assert done.returncode == 2
    assert "expected name:n:kind with a name of claimed, thought" in done.stderr


def _end_or_final(url: str, task_id: str, poll) -> bool:
    """Wait until the process has died, or the task has ended before it could. Say which."""
    while poll() is None:
        try:
            view = httpx.get(f"{url}/tasks/{task_id}").json()
        except httpx.HTTPError:
            continue
        if view.get("state") in FINAL:
            return False
    return True

"""A task that kills whoever works on it is given up, so that it does not do so for ever."""

from pathlib import Path

import pytest

from tests.agent.e2e.processes import environment, events_of, serving, types_of, wait_for_state
from tests.agent.e2e.test_crashes import assert_whole, begin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # six servers, one after the other

DEATHS = 5


def test_a_task_whose_worker_dies_five_times_without_progress_fails(
    home: Path, database_url: str
) -> None:
    env = environment(home, database_url=database_url, lease_seconds=2)
    deadly = {**env, "STEERSMAN_FAILPOINT": "thought:1:kill"}
    task_id = ""
    for _ in range(DEATHS):
        with serving(deadly) as server:
            task_id = task_id or begin(server)
            assert server.process.wait(30) == -9
    with serving(env) as server:
        view = wait_for_state(server.url, task_id, ("completed", "failed", "stopped"))
        events = events_of(server.url, task_id)
    assert view["state"] == "failed"
    assert view["error"] == {
        "code": "poisoned",
        "message": (
            "Five attempts in a row came to nothing: each time its worker died, or met an error of "
            "its own that stands in its log."
        ),
    }
    claims = ["task_claimed"] * (DEATHS + 1)
    assert types_of(events) == ["task_submitted", *claims, "stop_requested", "task_failed"]
    assert [e["attempt"] for e in events if e["type"] == "task_claimed"] == [1, 2, 3, 4, 5, 6]
    assert_whole(events)

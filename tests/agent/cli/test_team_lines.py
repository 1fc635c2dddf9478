"""What a person sees of a team in the terminal."""

import json

import pytest

from steersman.core.events import JsonObject
from tests.agent.cli.samples import event, succeeded, thought
from tests.agent.cli.test_lines import shown

PLAN = event(
    "plan_updated",
    items=[
        {"text": "Look", "state": "done"},
        {"text": "Mend", "state": "in_progress"},
        {"text": "Test", "state": "pending"},
        {"text": "Rewrite", "state": "dropped"},
        {"text": "Dance", "state": "some_new_state"},
    ],
)
DELEGATED = event("child_delegated", role="tester", goal="Test\nit", child_id="0199-000000000012")
FINISHED = event(
    "child_finished", child_id="0199-000000000012", state="failed", result="stuck:\nno way"
)


@pytest.mark.parametrize(
    ("wire", "lines"),
    [
        (PLAN, ["   ☑ Look", "   ▸ Mend", "   ☐ Test", "   ☒ Rewrite", "   ? Dance"]),
        (DELEGATED, ["   → tester, task 00000012: Test it"]),
        (FINISHED, ["   ← task 00000012 failed", "     stuck:", "     no way"]),
        (
            event("wait_started", child_ids=["a", "b"], until="all"),
            ["     waits for all of 2 tasks"],
        ),
        (event("wait_started", child_ids=["a"], until="any"), ["     waits for one of 1 task"]),
    ],
)
def test_each_event_of_a_team_has_its_lines(wire: JsonObject, lines: list[str]) -> None:
    assert shown(wire) == lines


def test_a_call_that_an_event_tells_of_is_not_told_again() -> None:
    step = thought(1, "I give it away.", ("delegate_task", {"role": "tester", "goal": "Test it"}))
    lines = shown(step, DELEGATED, succeeded("1.0", "delegate_task", json.dumps({"task_id": "x"})))
    assert lines == ["", "  1  I give it away.", "   → tester, task 00000012: Test it"]


@pytest.mark.parametrize("wire", [PLAN, DELEGATED, FINISHED])
def test_nothing_of_a_team_reaches_the_terminal_raw(wire: JsonObject) -> None:
    raw = json.dumps(wire).replace("Mend", r"\u001b[2J").replace("way", r"\u001b[2J")
    poisoned: JsonObject = json.loads(raw)
    poisoned |= {"goal": "\x1b[2J", "role": "\x1b[2J", "child_id": "\x1b[2J"}
    assert "\x1b" not in "".join(shown(poisoned))

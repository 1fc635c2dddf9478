"""Lines over time: what is said of claims and approvals, and how texts are quoted."""

import pytest

from steersman.cli.lines import LineMaker
from steersman.core.events import JsonObject
from tests.agent.cli.samples import SUBMITTED, event, succeeded, thought


def shown(*events: JsonObject, width: int = 80, cuts: bool = True) -> list[str]:
    maker = LineMaker(width, cuts=cuts)
    return [line.plain for wire in events for line in maker.lines_for(wire)]


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (event("approval_decided", decision="approved", decided_by="local"), 0),
        (event("model_call_failed", code="overloaded", message="m", retry_at="x"), 0),
        (event("action_started"), 1),
    ],
)
def test_a_claim_is_spoken_of_only_after_a_restart(wait: JsonObject, said: int) -> None:
    asked = event("approval_requested", action_id="1.0", tool="write_file", approval_id="x" * 36)
    before = asked if wait["type"] == "approval_decided" else SUBMITTED
    claimed = event("task_claimed", reason="resumed", attempt=2)
    lines = shown(before, wait, claimed)
    assert sum("resumed after a restart" in line for line in lines) == said


def test_what_was_approved_is_shown_with_its_arguments_when_it_has_run() -> None:
    write = {"path": "a.py", "content": "new"}
    lines = shown(
        thought(1, "W.", ("write_file", write)),
        event("approval_requested", action_id="1.0", tool="write_file", arguments=write),
        event("approval_decided", action_id="1.0", decision="approved", decided_by="local"),
        event("task_claimed", reason="resumed", attempt=2),
        succeeded("1.0", "write_file"),
    )
    assert lines[-2:] == ["     ✓ write_file a.py", "       + new"]


def test_the_lines_of_an_item_stand_below_its_words() -> None:
    text = "- an item of a list that will be wrapped\n10. another one that is wrapped, too\nthe end"
    assert shown(thought(1, text), width=40) == [
        "",
        "  1  - an item of a list that will be",
        "       wrapped",
        "     10. another one that is wrapped,",
        "         too",
        "     the end",
    ]


def test_where_nothing_is_cut_what_is_quoted_is_whole() -> None:
    long = "x" * 300
    events = (
        thought(1, "W.", ("write_file", {"path": long, "content": long})),
        succeeded("1.0", "write_file"),
    )
    assert shown(*events, cuts=False)[2:] == [f"     ✓ write_file {long}", f"       + {long}"]

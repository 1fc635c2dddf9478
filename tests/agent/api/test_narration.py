"""A team's log told in plain words."""

import pytest

from steersman.api.narration import narrate
from steersman.core.events import (
    ChildDelegated,
    ChildFinished,
    Event,
    PlanItem,
    PlanUpdated,
    WaitStarted,
)
from steersman.core.ids import ActionId, TaskId
from steersman.core.limits import Limits, Spent

CHILD, ACTION = TaskId("child-1"), ActionId("action-1")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (PlanUpdated(items=(PlanItem(text="Look", state="done"),)), "Plan\n- [done] Look"),
        (
            ChildDelegated(
                action_id=ACTION,
                child_id=CHILD,
                role="tester",
                goal="Test\nit",
                workspace="shared",
                limits=Limits(),
            ),
            "Delegated to the tester as child-1: Test it",
        ),
        (
            WaitStarted(action_id=ACTION, child_ids=(CHILD,), until="any"),
            "Waits for any of the tasks child-1.",
        ),
        (
            ChildFinished(child_id=CHILD, state="completed", result="Good.", spent=Spent()),
            "The task child-1 has ended: completed.\nGood.",
        ),
    ],
)
def test_a_team_is_told_of(event: Event, text: str) -> None:
    assert narrate(event) == ("HISTORY_UPDATE", text)

"""What readers get of a task."""

import json

import pytest

from steersman.core.events import TaskCompleted, TaskFailed, TaskStopped
from steersman.core.fold import fold
from steersman.core.view import task_view
from tests.agent.core.making import (
    ME,
    TASK,
    action,
    asked,
    call_failed,
    log,
    state_after,
    submitted,
    thought,
)

FIELDS = [
    "task_id",
    "root_id",
    "parent_id",
    "conversation_id",
    "owner_id",
    "role",
    "goal",
    "state",
    "waiting_for",
    "seq",
    "epoch",
    "step",
    "result",
    "error",
    "plan",
    "children",
    "pending_approvals",
    "question",
    "limits",
    "spent",
    "workspace",
    "created_at",
    "updated_at",
]


def test_a_view_has_every_field_of_the_contract() -> None:
    view = task_view(fold(log()))
    assert list(view) == FIELDS
    assert {name: view[name] for name in ("task_id", "owner_id", "state", "seq", "updated_at")} == {
        "task_id": TASK,
        "owner_id": ME,
        "state": "queued",
        "seq": 1,
        "updated_at": "2026-01-01T00:00:01.000Z",
    }


def test_a_view_says_how_the_task_ended() -> None:
    completed = task_view(state_after(TaskCompleted(result="Done.")))
    failed = task_view(state_after(TaskFailed(code="stuck", message="Again and again.")))
    stopped = task_view(state_after(TaskStopped(by=ME, reason="enough")))
    ends = [(view["state"], view["result"], view["error"]) for view in (completed, failed, stopped)]
    assert ends == [
        ("completed", "Done.", None),
        ("failed", None, {"code": "stuck", "message": "Again and again."}),
        ("stopped", None, None),
    ]


def test_a_view_says_what_the_task_waits_for() -> None:
    asking = task_view(state_after(thought(action("a", "ask_user")), asked("a", "Which?")))
    assert (asking["state"], asking["waiting_for"]) == ("waiting", ["message"])
    assert asking["question"] == "Which?"
    retrying = state_after(call_failed("timeout", fold(log()).created_at))
    assert task_view(retrying)["waiting_for"] == ["retry"]


@pytest.mark.parametrize("character", ["x", '"', "\n", "\x01", "ü", "\N{ROCKET}"])
def test_a_view_stays_within_16_kilobytes_whatever_the_texts(character: str) -> None:
    text = character * 1_000_000
    first = submitted(goal=text)
    question = asked("a", text)
    asking = state_after(thought(action("a", "ask_user")), question, first=first)
    for end in (TaskCompleted(result=text), TaskFailed(code="stuck", message=text)):
        state = state_after(end, first=first).model_copy(update={"question": asking.question})
        view = task_view(state)
        assert len(json.dumps(view, ensure_ascii=False).encode()) < 16 * 1024
        assert view["goal"].startswith(character * 100)
        assert view["goal"].endswith(character * 100)

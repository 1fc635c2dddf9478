"""What a command means in each state of a task."""

from typing import Any

import pytest

from steersman.core.commands import request_hash
from steersman.core.decide import answer
from steersman.core.events import (
    ActionInterrupted,
    ActionSucceeded,
    CommandRefused,
    Event,
    MessageAdded,
    StopRequested,
    TaskStopped,
)
from steersman.core.fold import fold
from steersman.core.ids import ActionId, MessageId
from steersman.core.new_task import NewTask
from steersman.core.state import TaskState
from tests.agent.core.making import (
    ME,
    START,
    action,
    after,
    asked,
    began,
    call_failed,
    kinds,
    log,
    message,
    settled,
    state_after,
    stop,
    thought,
)

OPEN = thought(action("a", "run"), action("b"))

STATES: dict[str, tuple[TaskState, list[str]]] = {
    "queued": (fold(log()), []),
    "thinking": (state_after(), []),
    "open actions": (state_after(OPEN), ["action_failed skipped"] * 2),
    "running an unsafe action": (
        state_after(OPEN, began("a")),
        ["action_interrupted", "action_failed skipped"],
    ),
    "waiting for an answer": (
        state_after(thought(action("a", "ask_user")), asked("a")),
        ["action_interrupted"],
    ),
    "waiting for a retry": (state_after(call_failed("timeout", START)), []),
}


def answered(state: TaskState, *entries: Any) -> tuple[TaskState, list[Event]]:
    """Answer commands one after the other and settle, as a commit does."""
    events: list[Event] = []
    for one in entries:
        found = answer(state, one)
        events += found
        state = after(state, found)
    state, followed = settled(state)
    return state, [*events, *followed]


@pytest.mark.parametrize("name", STATES)
def test_a_stop_ends_the_task_in_every_state(name: str) -> None:
    state, closed = STATES[name]
    end, events = answered(state, stop("enough"))
    assert kinds(events) == ["stop_requested", *closed, "task_stopped"]
    assert events[0] == StopRequested(by=ME, reason="enough")
    assert events[-1] == TaskStopped(by=ME, reason="enough")
    assert (end.open_actions, end.phase.value) == ((), "stopped")


def test_an_open_question_that_is_stopped_is_interrupted() -> None:
    state, _ = STATES["waiting for an answer"]
    _, events = answered(state, stop())
    assert events[1] == ActionInterrupted(
        action_id=ActionId("a"), tool="ask_user", reason="stopped"
    )


def test_a_second_stop_finds_nothing_to_do() -> None:
    _, events = answered(state_after(), stop(), stop(n=2))
    assert kinds(events) == ["stop_requested", "command_refused", "task_stopped"]
    assert events[1] == CommandRefused(code="already_stopping")


def test_a_message_cuts_a_thought_short() -> None:
    state, events = answered(state_after(OPEN), message("Wait."))
    assert kinds(events) == ["message_added", *["action_failed skipped"] * 2]
    assert events[0] == MessageAdded(message_id=MessageId("command-1"), text="Wait.", author_id=ME)
    assert state.open_actions == ()


def test_a_message_leaves_a_running_action_alone() -> None:
    state, events = answered(state_after(OPEN, began("a")), message())
    assert kinds(events) == ["message_added", "action_failed skipped"]
    assert [one.action.action_id for one in state.open_actions] == ["a"]


def test_a_message_answers_the_question() -> None:
    waiting, _ = STATES["waiting for an answer"]
    state, events = answered(waiting, message("Blü."))
    assert events[1] == ActionSucceeded(
        action_id=ActionId("a"), tool="ask_user", output="Blü.", output_bytes=5
    )
    assert (state.question, state.open_actions, len(events)) == (None, (), 2)


def test_only_the_first_message_is_the_answer() -> None:
    waiting, _ = STATES["waiting for an answer"]
    _, events = answered(waiting, message("Blue."), message("And large.", n=2))
    assert kinds(events) == ["message_added", "action_succeeded", "message_added"]


@pytest.mark.parametrize("order", [(stop(n=1), message(n=2)), (message(n=1), stop(n=2))])
def test_a_message_beside_a_stop_is_kept_and_changes_nothing(order: tuple[Any, ...]) -> None:
    state, events = answered(state_after(OPEN), *order)
    assert kinds(events).count("action_failed skipped") == 2
    assert {"message_added", "stop_requested"} < set(kinds(events))
    assert state.phase.value == "stopped"


def test_the_same_body_has_the_same_hash_whatever_the_order_of_its_keys() -> None:
    assert request_hash({"a": 1, "b": "ü"}) == request_hash({"b": "ü", "a": 1})
    assert request_hash({"a": 1}) != request_hash({"a": 2})


def test_a_conversation_has_one_name_however_its_id_is_spelled() -> None:
    name = "01890000-0000-7000-8000-00000000000c"
    spellings = (name, name.upper(), f"urn:uuid:{name}", f"{{{name}}}")
    asked = {NewTask(goal="a", conversation_id=one).conversation_id for one in spellings}
    assert asked == {name}

"""Pause and resume: what they mean in each state of a task, and what a paused task still does."""

from datetime import timedelta
from typing import Any

import pytest

from steersman.core.decide import Act, HandBack, Think, answer, begin, next_move
from steersman.core.events import CommandRefused, Event, StopRequested, TaskPaused, TaskResumed
from steersman.core.fold import fold
from steersman.core.state import Blocker, TaskPhase, TaskState
from tests.agent.core.making import (
    ME,
    START,
    action,
    after,
    asked,
    began,
    call_failed,
    claim,
    kinds,
    log,
    message,
    pause,
    paused,
    resume,
    resumed,
    settled,
    state_after,
    stop,
    succeeded,
    thought,
)

OPEN = thought(action("a", "run"), action("b"))
STATES: dict[str, TaskState] = {
    "queued": fold(log()),
    "thinking": state_after(),
    "open actions": state_after(OPEN),
    "running an unsafe action": state_after(OPEN, began("a")),
    "waiting for an answer": state_after(thought(action("a", "ask_user")), asked("a")),
    "waiting for a retry": state_after(call_failed("timeout", START)),
}


def answered(state: TaskState, *entries: Any) -> tuple[TaskState, list[Event]]:
    """Answer commands one after the other."""
    events: list[Event] = []
    for one in entries:
        found = answer(state, one)
        events += found
        state = after(state, found)
    return state, events


@pytest.mark.parametrize("name", STATES)
def test_a_pause_is_taken_in_every_state_and_a_resume_undoes_it(name: str) -> None:
    state = STATES[name]
    still, events = answered(state, pause())
    assert events == [TaskPaused(by=ME)]
    assert (still.phase, still.blockers[0]) == (TaskPhase.WAITING, Blocker.PAUSE)
    going, events = answered(still, resume(n=2))
    assert events == [TaskResumed(by=ME)]
    assert (going.phase, going.blockers) == (state.phase, state.blockers)
    assert next_move(going) == next_move(state)


@pytest.mark.parametrize("name", [name for name in STATES if name != "running an unsafe action"])
def test_a_paused_task_is_handed_back_until_somebody_resumes_it(name: str) -> None:
    state, _ = answered(STATES[name], pause())
    assert next_move(state) == HandBack(None)


def test_a_second_pause_and_a_resume_without_one_find_nothing_to_do() -> None:
    state, events = answered(state_after(), resume(), pause(n=2), pause(n=3))
    assert events == [
        CommandRefused(code="not_paused"),
        TaskPaused(by=ME),
        CommandRefused(code="already_paused"),
    ]
    assert state.paused


@pytest.mark.parametrize("late", [pause(n=2), resume(n=2)])
def test_a_task_that_is_stopping_is_neither_paused_nor_resumed(late: Any) -> None:
    _, events = answered(state_after(), stop(), late)
    assert events == [StopRequested(by=ME), CommandRefused(code="already_stopping")]


@pytest.mark.parametrize("name", STATES)
def test_a_stop_ends_a_paused_task(name: str) -> None:
    state, _ = answered(STATES[name], pause(), stop(n=2))
    end, followed = settled(state)
    assert kinds(followed)[-1] == "task_stopped"
    assert (end.phase, end.blockers) == (TaskPhase.STOPPED, ())


def test_a_message_is_recorded_and_does_not_resume() -> None:
    state, events = answered(state_after(thought(action("b")), paused()), message("Wait."))
    assert kinds(events) == ["message_added", "action_failed skipped"]
    assert (state.paused, next_move(state)) == (True, HandBack(None))


def test_what_has_begun_ends_before_the_task_is_handed_back() -> None:
    state = state_after(OPEN, began("a"), paused())
    assert next_move(state) == Act(state.open_actions[:1])
    ended = after(state, [succeeded("a", tool="run")])
    assert next_move(ended) == HandBack(None)
    assert next_move(after(ended, [resumed()])) == Act(ended.open_actions)


def test_a_later_holder_of_a_paused_task_begins_nothing() -> None:
    state = state_after(OPEN, began("a"), paused()).model_copy(update={"epoch": 2})
    assert next_move(state) == HandBack(None)
    events = begin(state, claim(taken_over=True))
    assert kinds(events) == ["task_claimed", "action_interrupted", "action_failed skipped"]
    assert next_move(after(state, events)) == HandBack(None)


def test_a_resumed_task_waits_for_what_it_waited_for_before() -> None:
    state = state_after(call_failed("timeout", START), paused(), resumed())
    assert next_move(state) == HandBack(START)
    assert next_move(state_after(paused(), resumed())) == Think()


def test_no_time_is_spent_while_paused_but_by_what_still_runs() -> None:
    still = after(state_after(), [paused()], seconds=2)
    assert after(still, [resumed()], seconds=3_600).spent.seconds == 2
    running = state_after(OPEN, began("a"), paused())
    held = running.spent.seconds
    ended = after(running, [succeeded("a", tool="run")], seconds=5)
    assert ended.spent.seconds == held + 5
    assert after(ended, [resumed()], seconds=3_600).spent.seconds == held + 5


def test_a_paused_task_that_was_never_claimed_waits_and_then_is_queued_again() -> None:
    still = after(fold(log()), [paused()], seconds=1)
    assert (still.phase, still.updated_at - START) == (TaskPhase.WAITING, timedelta(seconds=2))
    assert after(still, [resumed()]).phase is TaskPhase.QUEUED

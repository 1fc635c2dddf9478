"""What follows from a state: its end, its next move, what a claim means."""

from typing import Any

import pytest

from steersman.core.decide import (
    Act,
    HandBack,
    Think,
    begin,
    cut_unknown,
    next_move,
    poisoned,
    unbegun,
)
from steersman.core.events import (
    ActionInterrupted,
    Effect,
    StopRequested,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskStopped,
)
from steersman.core.ids import ActionId
from steersman.core.limits import Usage
from steersman.core.settling import settle
from steersman.core.state import TaskState
from tests.agent.core.making import (
    START,
    WORKER,
    action,
    after,
    asked,
    began,
    call_failed,
    claim,
    failed,
    kinds,
    said,
    settled,
    state_after,
    submitted,
    succeeded,
    thought,
)


def ended_with(state: TaskState) -> str | None:
    """Settle and return the code of the failure."""
    end, _ = settled(state)
    return end.ending.code if end.ending else None


def in_steps(*outcomes: tuple[Any, ...]) -> TaskState:
    """Return the state after steps of one call each, told as (event builder, its arguments)."""
    state = state_after()
    for step, (make, *arguments) in enumerate(outcomes, start=1):
        name = f"action-{step}"
        state = after(state, [thought(action(name, path="x"), step=step), make(name, *arguments)])
    return state


def test_a_task_with_nothing_open_thinks() -> None:
    assert next_move(state_after()) == Think()
    assert next_move(state_after(thought(text="Hm."))) == Think()


def test_open_actions_are_run_in_their_order() -> None:
    state = state_after(thought(action("a"), action("b"), action("c")), succeeded("a"))
    assert next_move(state) == Act(state.open_actions)


@pytest.mark.parametrize(
    ("events", "due_at"),
    [
        ((thought(action("a", "ask_user")), asked("a")), None),
        ((call_failed("timeout", START),), START),
        ((TaskCompleted(result="done"),), None),
    ],
    ids=["question", "retry", "ended"],
)
def test_a_task_that_waits_or_has_ended_is_handed_back(
    events: tuple[Any, ...], due_at: Any
) -> None:
    assert next_move(state_after(*events)) == HandBack(due_at)


@pytest.mark.parametrize(
    ("claims", "taken_over", "reason"),
    [(0, False, "new"), (0, True, "new"), (1, False, "resumed"), (1, True, "takeover")],
)
def test_a_claim_says_why(claims: int, taken_over: bool, reason: str) -> None:
    state = state_after().model_copy(update={"claims": claims})
    (event,) = begin(state, claim(taken_over=taken_over))
    assert event == TaskClaimed(worker_id=WORKER, attempt=claims + 1, reason=reason)  # pyright: ignore[reportArgumentType]


def test_nobody_knows_the_outcome_of_an_unsafe_action_after_a_takeover() -> None:
    thinking = thought(action("a", "run"), action("b"), action("c", "run"))
    state = state_after(thinking, began("a"))
    _, cut, *skipped = begin(state, claim(taken_over=True))
    assert cut == ActionInterrupted(action_id=ActionId("a"), tool="run", reason="outcome_unknown")
    assert kinds(skipped) == ["action_failed skipped"] * 2
    assert after(state, [cut, *skipped]).open_actions == ()


@pytest.mark.parametrize("effect", [Effect.IDEMPOTENT, Effect.KEYED])
def test_an_action_that_can_be_done_again_stays_open_after_a_takeover(effect: Effect) -> None:
    state = state_after(thought(action("a", "write"), action("b")), began("a", effect))
    assert cut_unknown(state) == ()
    assert unbegun(state) == ()


def test_an_intent_that_a_shutdown_leaves_unbegun_is_taken_back() -> None:
    state = state_after(thought(action("a", "run"), action("b")), began("a"))
    (back,) = unbegun(state)
    assert back == ActionInterrupted(
        action_id=ActionId("a"), tool="run", reason="shutdown", output="It had not begun."
    )
    assert cut_unknown(after(state, [back])) == ()


def test_the_fifth_claim_without_progress_is_poison() -> None:
    assert [n for n in range(7) if poisoned(claim(claims_since_progress=n))] == [5, 6]


def test_a_second_text_in_a_row_is_the_result() -> None:
    once = state_after(thought(text="I think so."))
    assert settle(once) == ()
    twice = after(once, [thought(text="Yes.", step=2)])
    assert settle(twice) == (TaskCompleted(result="Yes."),)


@pytest.mark.parametrize("between", [(said(),), (thought(action("a"), step=2), succeeded("a"))])
def test_texts_with_something_between_are_no_result(between: tuple[Any, ...]) -> None:
    state = state_after(thought(text="Hm."), *between, thought(text="Yes.", step=3))
    assert settle(state) == ()


def test_a_cut_thought_between_two_texts_does_not_count() -> None:
    cut = thought(text="I w", interrupted=True)
    assert settle(state_after(thought(text="Hm."), cut)) == ()


def test_three_equal_failures_in_a_row_fail_the_task() -> None:
    two = in_steps((failed,), (failed,))
    assert ended_with(two) is None
    assert ended_with(in_steps((failed,), (failed,), (failed,))) == "failed_steps"
    assert ended_with(in_steps((failed,), (failed,), (failed, "too_large"))) is None
    assert ended_with(in_steps((failed,), (failed,), (succeeded,), (failed,))) is None


def test_the_same_call_with_the_same_outcome_four_times_is_stuck() -> None:
    assert ended_with(in_steps(*[(succeeded,)] * 3)) is None
    assert ended_with(in_steps(*[(succeeded,)] * 4)) == "stuck"
    assert ended_with(in_steps(*[(succeeded,)] * 3, (succeeded, "changed"))) is None


def test_equal_calls_of_one_reply_do_not_end_a_task_before_it_was_told() -> None:
    names = [f"{n}" for n in range(16)]
    state = state_after(thought(*map(action, names)), *map(succeeded, names))
    assert ended_with(state) is None


@pytest.mark.parametrize(
    ("limits", "usage", "code"),
    [
        ({"max_steps": 1}, Usage(), "max_steps"),
        ({"max_tokens": 10}, Usage(input_tokens=6, output_tokens=4), "max_tokens"),
        ({"max_cost_usd": 0.5}, Usage(cost_usd=0.5), "max_cost"),
    ],
)
def test_a_limit_that_is_used_up_ends_the_task_after_its_step(
    limits: dict[str, Any], usage: Usage, code: str
) -> None:
    thinking = thought(action("a"), usage=usage)
    state = state_after(thinking, first=submitted(**limits))
    assert settle(state) == ()
    assert ended_with(after(state, [succeeded("a")])) == code


def test_the_time_limit_cuts_what_is_running() -> None:
    thinking = thought(action("a", "run"), action("b"))
    state = state_after(thinking, began("a"), first=submitted(max_seconds=10))
    # The log's events are a second apart.
    end, followed = settled(after(state, [said()], seconds=8))
    assert kinds(followed) == ["action_interrupted", "action_failed skipped", "task_failed"]
    assert (end.ending and end.ending.code, end.open_actions) == ("max_seconds", ())


def test_the_time_limit_closes_a_question() -> None:
    state = state_after(thought(action("a", "ask_user")), first=submitted(max_seconds=10))
    _, followed = settled(after(state, [asked("a")], seconds=9))
    assert kinds(followed) == ["action_interrupted", "task_failed"]


def test_a_requested_failure_is_the_end_when_it_says_so() -> None:
    request = StopRequested(by="steersman", then="failed", code="poisoned", message="Five times.")
    state = state_after(thought(action("a", "run")), began("a"), request)
    assert settle(state)[-1] == TaskFailed(code="poisoned", message="Five times.")
    assert kinds(settle(state)) == ["action_interrupted", "task_failed"]


def test_nothing_follows_the_end() -> None:
    for end in (
        TaskCompleted(result=""),
        TaskFailed(code="stuck", message=""),
        TaskStopped(by="me"),
    ):
        assert settle(state_after(thought(), thought(step=2), end)) == ()

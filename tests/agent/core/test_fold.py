"""How events change the state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from steersman.core.events import (
    ActionInterrupted,
    ContextCompacted,
    Effect,
    TaskCompleted,
    parse_event,
)
from steersman.core.fold import apply, fold
from steersman.core.ids import ActionId
from steersman.core.limits import Limits, Usage
from steersman.core.state import Blocker, TaskPhase, TaskState
from tests.agent.core.making import (
    START,
    action,
    after,
    asked,
    began,
    call_failed,
    claimed,
    failed,
    log,
    paused,
    said,
    state_after,
    submitted,
    succeeded,
    thought,
)


def test_a_task_is_queued_until_somebody_claims_it() -> None:
    assert fold(log()).phase is TaskPhase.QUEUED
    assert fold(log(said())).phase is TaskPhase.QUEUED
    assert fold(log(claimed())).phase is TaskPhase.RUNNING


def test_a_log_begins_with_its_submission_and_has_only_one() -> None:
    with pytest.raises(ValueError, match="begins with task_submitted"):
        fold(log(claimed())[1:])
    with pytest.raises(ValueError, match="only at the start"):
        fold(log(submitted()))


def test_a_thoughts_actions_are_open_until_their_outcomes() -> None:
    state = state_after(thought(action("a"), action("b")), succeeded("a"))
    assert [one.action.action_id for one in state.open_actions] == ["b"]
    assert after(state, [failed("b")]).open_actions == ()


def test_an_intent_marks_its_action_as_started() -> None:
    state = state_after(thought(action("a", "run"), action("b", "run")), began("a"))
    assert [one.started for one in state.open_actions] == [True, False]
    assert (state.open_actions[0].effect, state.open_actions[0].key) == (Effect.UNSAFE, "a")


def test_a_question_blocks_until_a_message_answers_it() -> None:
    state = state_after(thought(action("a", "ask_user")), asked("a"))
    assert (state.phase, state.blockers) == (TaskPhase.WAITING, (Blocker.MESSAGE,))
    assert after(state, [said()]).phase is TaskPhase.RUNNING


def test_a_retry_blocks_until_the_next_claim() -> None:
    state = state_after(call_failed("timeout", START))
    assert (state.phase, state.blockers) == (TaskPhase.WAITING, (Blocker.RETRY,))
    assert after(state, [claimed(2)]).phase is TaskPhase.RUNNING


def test_blockers_are_shown_in_the_order_of_the_contract() -> None:
    waiting = [thought(action("a", "ask_user")), asked("a"), call_failed("error", START)]
    state = state_after(*waiting, paused())
    assert state.blockers == (Blocker.PAUSE, Blocker.MESSAGE, Blocker.RETRY)


def test_spent_is_the_sum_over_thoughts_failed_calls_and_compactions() -> None:
    usage = Usage(input_tokens=10, output_tokens=2, cost_usd=0.1)
    state = state_after(
        thought(usage=usage),
        thought(step=2, usage=usage, interrupted=True),
        call_failed("timeout", input_tokens=5),
        ContextCompacted(through_seq=2, summary="", usage=usage),
    )
    assert state.spent.model_dump(exclude={"seconds"}) == {
        "steps": 1,
        "input_tokens": 35,
        "output_tokens": 6,
        "cost_usd": 0.3,
    }


def test_a_thought_that_was_cut_is_not_a_step() -> None:
    state = state_after(thought(step=1, text="I th", interrupted=True))
    assert (state.step, state.texts_without_call, state.last_text) == (0, 0, "")


def test_only_time_that_a_worker_holds_the_task_is_spent() -> None:
    state = after(state_after(), [thought(action("a", "ask_user")), asked("a")], seconds=3)
    assert state.spent.seconds == 3
    waited = after(state, [said()], seconds=1_000)
    assert waited.spent.seconds == 3


@pytest.mark.parametrize("event", [said(), claimed(2)])
def test_time_between_two_holders_is_not_spent(event: object) -> None:
    """A task that was handed back at a shutdown is `running`, but nobody holds it."""
    (last,) = log(event)[1:]  # pyright: ignore[reportArgumentType]
    held = state_after()
    later = replace(last, seq=3, epoch=2, at=held.updated_at + timedelta(hours=1))
    assert apply(held, later).spent.seconds == 0


def test_equal_steps_in_a_row_are_counted() -> None:
    state = state_after()
    for step in range(1, 4):
        state = after(state, [thought(action(f"{step}", path="x"), step=step)])
        state = after(state, [succeeded(f"{step}", f"took 0.{step} s")])
        assert state.repeats.count == step
    state = after(state, [thought(action("4", path="y"), step=4), succeeded("4", "took 1 s")])
    assert state.repeats.count == 1


def test_equal_calls_of_one_reply_are_one_step() -> None:
    names = ("a", "b", "c", "d")
    state = state_after(thought(*(action(name) for name in names)), *map(succeeded, names))
    assert state.repeats.count == 1


def test_steps_that_fail_in_the_same_way_are_counted_until_one_succeeds() -> None:
    state = state_after(thought(action("a")), failed("a"))
    state = after(state, [thought(action("b"), step=2), failed("b")])
    assert (state.failures.what, state.failures.count) == ("read_file not_found", 2)
    other = after(state, [thought(action("c"), step=3), failed("c", "too_large")])
    assert (other.failures.what, other.failures.count) == ("read_file too_large", 1)
    assert after(state, [thought(action("c"), step=3), succeeded("c")]).failures.count == 0


@pytest.mark.parametrize("code", ["skipped", "not_run", "too_many_calls"])
def test_actions_that_were_not_run_say_nothing_about_the_step(code: str) -> None:
    state = state_after(thought(action("a"), action("b")), failed("a"), failed("b", code))
    assert state.failures.count == 1
    again = after(state, [thought(action("c"), step=2), failed("c", code)])
    assert (again.failures.count, again.repeats.count) == (1, 1)


def test_interrupted_actions_end_a_step_without_a_failure() -> None:
    cut = ActionInterrupted(action_id=ActionId("a"), tool="run", reason="outcome_unknown")
    state = state_after(thought(action("a", "run")), began("a"), cut)
    assert (state.open_actions, state.failures.count) == ((), 0)


def test_a_model_is_given_up_after_three_failures_or_a_refusal() -> None:
    troubled = state_after(*[call_failed("timeout")] * 2).trouble
    assert (troubled.index, troubled.attempts) == (0, 2)
    assert troubled.then(call_failed("timeout")).index == 1
    assert troubled.then(call_failed("rejected")).index == 1


def test_a_thought_ends_the_trouble_but_stays_with_the_model_that_answered() -> None:
    state = state_after(call_failed("rejected"), thought())
    assert (state.trouble.index, state.trouble.given_up, state.trouble.last_code) == (1, 0, None)


def test_a_call_that_our_own_shutdown_cut_is_no_trouble_of_the_model() -> None:
    state = state_after(call_failed("shutdown", input_tokens=7))
    assert (state.trouble, state.spent.input_tokens) == (state_after().trouble, 7)


def test_an_ended_task_waits_for_nothing() -> None:
    state = state_after(thought(action("a", "ask_user")), asked("a"), TaskCompleted(result="done"))
    assert (state.phase, state.blockers) == (TaskPhase.COMPLETED, ())


def test_a_state_survives_being_written_down() -> None:
    state = state_after(
        thought(action("a", path="x"), action("b")), succeeded("a"), call_failed("error", START)
    )
    assert TaskState.model_validate(state.model_dump(mode="json")) == state


def test_a_checkpoint_of_an_older_version_lacks_what_is_newer() -> None:
    kept = state_after().model_dump(mode="json")
    del kept["step_fingerprint"], kept["trouble"]["unusable_in_a_row"]
    assert TaskState.model_validate(kept) == state_after()


def test_a_log_of_a_newer_version_may_hold_limits_that_we_do_not_know() -> None:
    payload = submitted().model_dump(mode="json")
    payload["limits"] |= {"max_wishes": 3}
    assert parse_event("task_submitted", payload) == submitted()
    with pytest.raises(ValueError, match="max_wishes"):
        Limits.model_validate({"max_wishes": 3})

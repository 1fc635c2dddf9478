"""What a failed model call leads to."""

from datetime import timedelta

import pytest

from steersman.core.events import ModelCallFailed, TaskFailed
from steersman.core.retries import model_failure, retry_at
from steersman.core.state import TaskState
from tests.agent.core.making import START, after, call_failed, kinds, state_after, thought


def after_failures(*codes: str, models: int = 1) -> tuple[TaskState, list[str]]:
    """Let calls fail one after the other; return the state and all that was recorded."""
    state, recorded = state_after(), list[str]()
    for code in codes:
        events = model_failure(state, call_failed(code), models=models)
        recorded += kinds(events)
        state = after(state, events)
    return state, recorded


@pytest.mark.parametrize(
    ("codes", "models", "end"),
    [
        (["empty_reply"] * 3, 1, "model_unusable"),
        (["empty_reply", "garbage", "output_limit"], 1, "model_unusable"),
        (["timeout", "timeout", "empty_reply"], 1, "model_unavailable"),
        (["timeout"] * 3, 1, "model_unavailable"),
        (["timeout"] * 6, 2, "model_unavailable"),
        (["rejected"], 1, "model_rejected"),
        (["timeout"] * 3 + ["rejected"], 2, "model_rejected"),
        (["rejected"] + ["overloaded"] * 3, 2, "model_unavailable"),
    ],
)
def test_a_task_fails_when_no_model_is_left(codes: list[str], models: int, end: str) -> None:
    before, recorded = after_failures(*codes[:-1], models=models)
    assert (before.ending, set(recorded) - {"model_call_failed"}) == (None, set())
    state, _ = after_failures(*codes, models=models)
    assert state.ending is not None
    assert state.ending.code == end


def test_the_last_failure_promises_no_retry() -> None:
    state, _ = after_failures("timeout", "timeout")
    events = model_failure(state, call_failed("timeout", START), models=1)
    assert events == (
        call_failed("timeout"),
        TaskFailed(code="model_unavailable", message="it was timeout"),
    )


def test_a_thought_between_failures_begins_the_count_anew() -> None:
    state = state_after(*[call_failed("timeout")] * 2, thought())
    assert model_failure(state, call_failed("timeout"), models=1) == (call_failed("timeout"),)


def wait(
    failed: ModelCallFailed, *, earlier: int = 0, jitter: float = 0.0, wish: float | None = None
) -> float | None:
    """Return after how many seconds the model is called again."""
    state = state_after(*[call_failed("timeout")] * earlier)
    at = retry_at(state, failed, now=START, jitter=jitter, wish_seconds=wish)
    return None if at is None else (at - START) / timedelta(seconds=1)


@pytest.mark.parametrize("code", ["empty_reply", "garbage", "output_limit", "context_exceeded"])
def test_a_reply_that_was_no_use_is_asked_for_again_at_once(code: str) -> None:
    assert wait(call_failed(code)) is None


def test_the_next_model_is_asked_at_once() -> None:
    assert wait(call_failed("timeout"), earlier=2, wish=60) is None
    assert wait(call_failed("rejected")) is None


def test_a_retry_waits_a_random_time_that_grows() -> None:
    assert wait(call_failed("timeout")) == 0.25
    assert wait(call_failed("timeout"), jitter=0.5) == 1.25
    assert wait(call_failed("timeout"), earlier=1, jitter=0.5) == 2.25


def test_a_retry_waits_as_long_as_the_provider_wishes_up_to_five_minutes() -> None:
    assert wait(call_failed("rate_limited"), wish=20) == 20
    assert wait(call_failed("rate_limited"), wish=20, jitter=0.5) == 20.125
    assert wait(call_failed("rate_limited"), wish=86_400) == 300


def test_a_retry_time_is_what_the_log_can_hold() -> None:
    at = retry_at(state_after(), call_failed("timeout"), now=START, jitter=1 / 3, wish_seconds=None)
    assert at is not None
    failed = call_failed("timeout", at)
    assert ModelCallFailed.model_validate_json(failed.model_dump_json()) == failed

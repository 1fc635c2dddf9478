"""What a failed model call means: when to call again, or that no model is left to be asked."""

from datetime import datetime, timedelta

from steersman.core.clock import whole_milliseconds
from steersman.core.events import Event, ModelCallFailed, TaskFailed
from steersman.core.state import UNUSABLE_REPLIES, ModelTrouble, TaskState

MAX_UNUSABLE_REPLIES = 3


def model_failure(state: TaskState, failed: ModelCallFailed, *, models: int) -> tuple[Event, ...]:
    """Add the end of the task to a failed call when no model of the list is left."""
    trouble = state.trouble.then(failed)
    if trouble.given_up < models:
        return (failed,)
    final = failed.model_copy(update={"retry_at": None})
    return final, TaskFailed(code=_model_code(trouble), message=failed.message)


def retry_at(
    state: TaskState,
    failed: ModelCallFailed,
    *,
    now: datetime,
    jitter: float,
    wish_seconds: float | None,
) -> datetime | None:
    """Say when to call again: at once (None), after the provider's wish, or after full jitter.

    `jitter` is in [0, 1). The next model of the list is asked at once, and so is the same one
    after a reply that was not usable.
    """
    trouble = state.trouble.then(failed)
    next_model = trouble.given_up > state.trouble.given_up
    if next_model or failed.code in UNUSABLE_REPLIES | {"context_exceeded"}:
        return None
    if wish_seconds is not None:
        pause = min(wish_seconds, 300.0) + 0.25 * jitter
    else:
        pause = 0.25 + min(2.0**trouble.attempts, 30.0) * jitter
    return whole_milliseconds(now + timedelta(seconds=pause))


def _model_code(trouble: ModelTrouble) -> str:
    if trouble.last_code == "rejected":
        return "model_rejected"
    unusable = trouble.unusable_in_a_row >= MAX_UNUSABLE_REPLIES
    return "model_unusable" if unusable else "model_unavailable"

"""The decisions: pure functions from a state (and a command, a reply, a claim) to events or a move.

Nothing here reads a clock, draws a random number or touches the world. The loop asks
`next_move` what to do, does it, and commits the facts together with what `settle` says must
follow from them at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from steersman.core.commands import AddMessage, InboxEntry, StopTask
from steersman.core.events import (
    ActionFailed,
    ActionInterrupted,
    ActionSucceeded,
    CommandRefused,
    Effect,
    Event,
    MessageAdded,
    ModelCallFailed,
    StopRequested,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskStopped,
)
from steersman.core.ids import MessageId
from steersman.core.limits import exceeded
from steersman.core.ports import Claim
from steersman.core.state import OpenAction, TaskState

MAX_CLAIMS_WITHOUT_PROGRESS = 5
MAX_FAILURES_IN_A_ROW = 3
MAX_REPEATS = 4
MAX_UNUSABLE_REPLIES = 3

_UNUSABLE = frozenset({"empty_reply", "garbage", "output_limit"})
_LIMIT_MESSAGES = {
    "max_steps": "The task used all of its steps.",
    "max_tokens": "The task used all of its tokens.",
    "max_cost": "The task used all of its money.",
    "max_seconds": "The task used all of its time.",
}


@dataclass(frozen=True, slots=True)
class Think:
    """Ask the model for the next action."""


@dataclass(frozen=True, slots=True)
class Act:
    """Run these actions of the last thought, in this order."""

    actions: tuple[OpenAction, ...]


@dataclass(frozen=True, slots=True)
class HandBack:
    """Nothing to do now: the task has ended or waits until `due_at`, or for a command."""

    due_at: datetime | None


Move = Think | Act | HandBack


def next_move(state: TaskState) -> Move:
    """Say what to do next with a task whose inbox is answered and which is settled."""
    if state.ending:
        return HandBack(None)
    if state.blockers:
        return HandBack(state.retry_at)
    return Act(state.open_actions) if state.open_actions else Think()


def begin(state: TaskState, claim: Claim) -> tuple[Event, ...]:
    """Say what a claim means: the task is ours now, and what had been running is cut."""
    reason = "new" if state.claims == 0 else "takeover" if claim.taken_over else "resumed"
    claimed = TaskClaimed(worker_id=claim.worker_id, attempt=state.claims + 1, reason=reason)
    return (claimed, *cut_unknown(state))


def cut_unknown(state: TaskState) -> tuple[Event, ...]:
    """Give actions that were running when their worker went the outcome that nobody knows it.

    A started action that can be done again with the same effect stays open. After an unknown
    outcome the model has to look first, so the rest of the thought is not run.
    """
    unknown = [one for one in state.open_actions if one.started and not _repeatable(one)]
    if not unknown:
        return ()
    cut = [_interrupted(one, "outcome_unknown") for one in unknown]
    return (*cut, *skip_open(state, "an earlier call was cut"))


def poisoned(claim: Claim) -> bool:
    """Say whether this task has killed its workers too often to be tried again."""
    return claim.claims_since_progress >= MAX_CLAIMS_WITHOUT_PROGRESS


def answer(state: TaskState, entry: InboxEntry) -> tuple[Event, ...]:
    """Turn a command into the events that answer it."""
    match entry.command:
        case AddMessage(text=text):
            return _add_message(state, entry, text)
        case StopTask(reason=reason):
            if state.stopping or state.ending:
                return (CommandRefused(code="already_stopping"),)
            return (StopRequested(by=entry.author, reason=reason),)


def settle(state: TaskState) -> tuple[Event, ...]:
    """Say what follows from the state by itself; () when nothing does.

    Ends the task when it is stopping, out of limits, stuck, or without a model that answers. Every
    open action gets its outcome before the end.
    """
    if state.ending:
        return ()
    if state.stopping:
        return _stopped(state, state.stopping)
    if state.spent.seconds >= state.limits.max_seconds:
        return _failed(state, "max_seconds", _LIMIT_MESSAGES["max_seconds"])
    if state.open_actions or state.question:
        return ()
    if state.texts_without_call >= 2:
        return (TaskCompleted(result=state.last_text),)
    if failure := _hopeless(state):
        return _failed(state, *failure)
    return ()


def model_failure(state: TaskState, failed: ModelCallFailed, *, models: int) -> tuple[Event, ...]:
    """Add the end of the task to a failed call when no model of the list is left."""
    trouble = state.trouble.then(failed)
    if trouble.given_up < models:
        return (failed,)
    final = failed.model_copy(update={"retry_at": None})
    return final, TaskFailed(code=_model_code(failed.code), message=failed.message)


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
    if next_model or failed.code in _UNUSABLE | {"context_exceeded"}:
        return None
    if wish_seconds is not None:
        return now + timedelta(seconds=min(wish_seconds, 300.0) + 0.25 * jitter)
    return now + timedelta(seconds=0.25 + min(2.0**trouble.attempts, 30.0) * jitter)


def skip_open(state: TaskState, why: str) -> tuple[Event, ...]:
    """Give every action that has not started its outcome."""
    return tuple(_skipped(one, why) for one in state.open_actions if not one.started)


def _add_message(state: TaskState, entry: InboxEntry, text: str) -> tuple[Event, ...]:
    added = MessageAdded(message_id=MessageId(entry.command_id), text=text, author_id=entry.author)
    if state.stopping or state.ending:
        return (added,)
    if state.question is None:
        return (added, *skip_open(state, "a message arrived"))
    answered = ActionSucceeded(
        action_id=state.question.action_id,
        tool="ask_user",
        output=text,
        output_bytes=len(text.encode()),
    )
    return (added, answered)


def _stopped(state: TaskState, stopping: StopRequested) -> tuple[Event, ...]:
    asked = state.question.action_id if state.question else None
    closed = [
        _interrupted(one, "stopped")
        if one.started or one.action.action_id == asked
        else _skipped(one, "the task is stopped")
        for one in state.open_actions
    ]
    if stopping.then == "failed":
        end: Event = TaskFailed(code=stopping.code or "failed", message=stopping.message or "")
    else:
        end = TaskStopped(by=stopping.by, reason=stopping.reason)
    return (*closed, end)


def _failed(state: TaskState, code: str, message: str) -> tuple[Event, ...]:
    closed = [
        _interrupted(one, "stopped") if one.started else _skipped(one, "the task has ended")
        for one in state.open_actions
    ]
    return (*closed, TaskFailed(code=code, message=message))


def _hopeless(state: TaskState) -> tuple[str, str] | None:
    if state.failures.count >= MAX_FAILURES_IN_A_ROW:
        message = f"Three steps in a row failed in the same way: {state.failures.what}."
        return "failed_steps", message
    if state.repeats.count >= MAX_REPEATS:
        return "stuck", "The same call was made again and again with the same outcome."
    if (limit := exceeded(state.limits, state.spent)) is not None:
        return limit, _LIMIT_MESSAGES[limit]
    return None


def _repeatable(one: OpenAction) -> bool:
    return one.effect in (Effect.IDEMPOTENT, Effect.KEYED)


def _interrupted(one: OpenAction, reason: str) -> ActionInterrupted:
    return ActionInterrupted.model_validate(
        {"action_id": one.action.action_id, "tool": one.action.tool, "reason": reason}
    )


def _skipped(one: OpenAction, why: str) -> ActionFailed:
    return failed_action(one, "skipped", f"Not run: {why}.")


def failed_action(one: OpenAction, code: str, message: str) -> ActionFailed:
    """Build the failure of an action that did not run."""
    return ActionFailed(
        action_id=one.action.action_id,
        tool=one.action.tool,
        output=message,
        output_bytes=len(message.encode()),
        error=code,
    )


def _model_code(code: str) -> str:
    if code == "rejected":
        return "model_rejected"
    return "model_unusable" if code in _UNUSABLE else "model_unavailable"

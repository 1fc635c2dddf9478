"""The decisions: pure functions from a state (and a command, a reply, a claim) to events or a move.

Nothing here reads a clock, draws a random number or touches the world. The loop asks
`next_move` what to do, does it, and commits the facts together with what `settle` says must
follow from them at once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from steersman.core.approving import decided
from steersman.core.commands import (
    AddMessage,
    DecideApproval,
    InboxEntry,
    PauseTask,
    ReportChild,
    ResumeTask,
    StopTask,
)
from steersman.core.events import (
    ActionSucceeded,
    ChildFinished,
    CommandRefused,
    Effect,
    Event,
    MessageAdded,
    Outcome,
    StopRequested,
    TaskClaimed,
    TaskPaused,
    TaskResumed,
)
from steersman.core.ids import ActionId, MessageId
from steersman.core.outcomes import (
    AFTER_UNKNOWN,
    interrupted_action,
    skip_open,
)
from steersman.core.ports import Claim
from steersman.core.state import OpenAction, TaskState

MAX_CLAIMS_WITHOUT_PROGRESS = 5


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
        # What we have begun ends first: who went on after a release could not know how.
        return Act(state.begun) if state.begun else HandBack(due_at(state))
    return Act(state.open_actions) if state.open_actions else Think()


def due_at(state: TaskState) -> datetime | None:
    """Say when somebody must look at a task that nobody holds, whatever arrives.

    A time long past means at once, by any clock; None, that nothing can happen by itself.
    """
    if state.ending:
        return None
    if state.begun or not state.blockers:
        return state.created_at
    times = [pending.expires_at for pending in state.approvals]
    if state.retry_at and not state.paused:
        times.append(state.retry_at)
    return min(times, default=None)


def begin(state: TaskState, claim: Claim, adopted: tuple[Event, ...] = ()) -> tuple[Event, ...]:
    """Say what a claim means: the task is ours now, and what had been running is cut.

    `adopted` are the outcomes of actions that could be found out.
    """
    reason = "new" if state.claims == 0 else "takeover" if claim.taken_over else "resumed"
    claimed = TaskClaimed(worker_id=claim.worker_id, attempt=state.claims + 1, reason=reason)
    known = {event.action_id for event in adopted if isinstance(event, Outcome)}
    return (claimed, *adopted, *cut_unknown(state, known))


def begun_by_another(state: TaskState) -> tuple[OpenAction, ...]:
    """Return the actions that were running when their worker went and cannot be done again."""
    return tuple(one for one in state.open_actions if one.started and not is_repeatable(one))


def cut_unknown(state: TaskState, known: Collection[ActionId] = ()) -> tuple[Event, ...]:
    """Give actions that were running when their worker went the outcome that nobody knows it.

    A started action that can be done again with the same effect stays open. After an unknown
    outcome the model has to look first, so the rest of the thought is not run.
    """
    begun = begun_by_another(state)
    unknown = [one for one in begun if one.action.action_id not in known]
    if not unknown:
        return ()
    cut = [interrupted_action(one, "outcome_unknown") for one in unknown]
    return (*cut, *skip_open(state, AFTER_UNKNOWN))


def unbegun(state: TaskState) -> tuple[Event, ...]:
    """Take back committed intents whose actions this process has not begun and will not begin.

    Without that, whoever goes on would have to treat them as perhaps done.
    """
    return tuple(
        interrupted_action(one, "shutdown", "It had not begun.") for one in begun_by_another(state)
    )


def poisoned(claim: Claim) -> bool:
    """Say whether attempts at this task have come to nothing too often to try again."""
    return claim.claims_since_progress >= MAX_CLAIMS_WITHOUT_PROGRESS


def last_attempt(claim: Claim) -> bool:
    """Say whether one more attempt that comes to nothing makes the task poisoned."""
    return claim.claims_since_progress + 1 >= MAX_CLAIMS_WITHOUT_PROGRESS


def answer(state: TaskState, entry: InboxEntry) -> tuple[Event, ...]:
    """Turn a command into the events that answer it."""
    match entry.command:
        case AddMessage(text=text):
            return _add_message(state, entry, text)
        case ReportChild() as report:
            said = report.model_dump(exclude={"type"})
            return (ChildFinished.model_validate(said),)
        case _ if state.stopping or state.ending:
            return (CommandRefused(code="already_stopping"),)
        case StopTask(reason=reason):
            return (StopRequested(by=entry.author, reason=reason),)
        case PauseTask():
            refused = CommandRefused(code="already_paused")
            return (refused if state.paused else TaskPaused(by=entry.author),)
        case ResumeTask():
            refused = CommandRefused(code="not_paused")
            return (TaskResumed(by=entry.author) if state.paused else refused,)
        case DecideApproval() as wish:
            return decided(state, entry, wish)


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


def is_repeatable(one: OpenAction) -> bool:
    """Say whether a started action can be done again with the same effect."""
    return one.effect in (Effect.IDEMPOTENT, Effect.KEYED)

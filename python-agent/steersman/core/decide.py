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
    TaskCompleted,
    TaskFailed,
    TaskPaused,
    TaskResumed,
    TaskStopped,
)
from steersman.core.ids import ActionId, MessageId
from steersman.core.limits import LIMIT_MESSAGES, exceeded
from steersman.core.outcomes import (
    AFTER_UNKNOWN,
    CutReason,
    done,
    interrupted_action,
    skip_open,
    skipped_action,
)
from steersman.core.ports import Claim
from steersman.core.state import TEXTS_THAT_END, OpenAction, TaskState, Wait

MAX_CLAIMS_WITHOUT_PROGRESS = 5
BY_ITSELF = "steersman"
"""Who a stop is by that nobody has asked for."""

MAX_FAILURES_IN_A_ROW = 3
MAX_REPEATS = 4


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
    return tuple(one for one in state.open_actions if one.started and not _repeatable(one))


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


def give_up(code: str, message: str) -> StopRequested:
    """End the task as failed, once its open actions have outcomes and its children have ended."""
    return StopRequested(by=BY_ITSELF, then="failed", code=code, message=message)


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
        return _failed(state, "max_seconds", LIMIT_MESSAGES["max_seconds"])
    if state.wait and _is_over(state, state.wait):
        return (_waited(state, state.wait),)
    if state.open_actions or state.question:
        return ()
    if state.texts_without_call >= TEXTS_THAT_END:
        return () if state.live_children else (TaskCompleted(result=state.last_text),)
    if failure := _hopeless(state):
        return _failed(state, *failure)
    return ()


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


def _is_over(state: TaskState, wait: Wait) -> bool:
    waited = [child for child in state.children if child.task_id in wait.child_ids]
    ended = [not child.is_live for child in waited]
    return any(ended) if wait.until == "any" else all(ended)


def _waited(state: TaskState, wait: Wait) -> ActionSucceeded:
    """End a wait; what the children say of their work stands beside it, in their own events."""
    action = next(o.action for o in state.open_actions if o.action.action_id == wait.action_id)
    waited = (child for child in state.children if child.task_id in wait.child_ids)
    lines = [f"{c.task_id} ({c.role}): {'running' if c.is_live else c.state}" for c in waited]
    return done(action, "\n".join(lines))


def _stopped(state: TaskState, stopping: StopRequested) -> tuple[Event, ...]:
    closed = _close_open(state, "the task is stopped")
    if state.live_children:
        return closed  # and the end comes when theirs have been reported
    if stopping.then == "failed":
        end: Event = TaskFailed(code=stopping.code or "failed", message=stopping.message or "")
    else:
        end = TaskStopped(by=stopping.by, reason=stopping.reason)
    return (*closed, end)


def _failed(state: TaskState, code: str, message: str) -> tuple[Event, ...]:
    if state.live_children:
        return (give_up(code, message),)
    return (*_close_open(state, "the task has ended"), TaskFailed(code=code, message=message))


def _close_open(state: TaskState, why: str) -> tuple[Event, ...]:
    """Give every open action the outcome that the end of the task means for it."""
    waiting = {one.action_id for one in (state.question, state.wait) if one}
    return tuple(
        interrupted_action(one, _how_cut(one, state))
        if one.started or one.action.action_id in waiting
        else skipped_action(one, why)
        for one in state.open_actions
    )


def _how_cut(one: OpenAction, state: TaskState) -> CutReason:
    """Say `outcome_unknown` of what another holder had begun: nobody here has cut it."""
    foreign = one.started and one.started_epoch != state.epoch
    return "outcome_unknown" if foreign and not _repeatable(one) else "stopped"


def _hopeless(state: TaskState) -> tuple[str, str] | None:
    if state.failures.count >= MAX_FAILURES_IN_A_ROW:
        message = f"Three steps in a row failed in the same way: {state.failures.what}."
        return "failed_steps", message
    if state.repeats.count >= MAX_REPEATS:
        return "stuck", "The same call was made again and again with the same outcome."
    if (limit := exceeded(state.limits, state.spent)) is not None:
        return limit, LIMIT_MESSAGES[limit]
    return None


def _repeatable(one: OpenAction) -> bool:
    return one.effect in (Effect.IDEMPOTENT, Effect.KEYED)

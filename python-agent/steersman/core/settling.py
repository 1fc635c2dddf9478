"""What follows from a state by itself: the ends of tasks, and of waits. Pure."""

from steersman.core.decide import is_repeatable
from steersman.core.events import (
    ActionSucceeded,
    Event,
    StopRequested,
    TaskCompleted,
    TaskFailed,
    TaskStopped,
)
from steersman.core.limits import LIMIT_MESSAGES, exceeded
from steersman.core.outcomes import CutReason, done, interrupted_action, skipped_action
from steersman.core.state import TEXTS_THAT_END, OpenAction, TaskState, Wait

BY_ITSELF = "steersman"
"""Who a stop is by that nobody has asked for."""

MAX_FAILURES_IN_A_ROW = 3
MAX_REPEATS = 4


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


def give_up(code: str, message: str) -> StopRequested:
    """End the task as failed, once its open actions have outcomes and its children have ended."""
    return StopRequested(by=BY_ITSELF, then="failed", code=code, message=message)


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
    return "outcome_unknown" if foreign and not is_repeatable(one) else "stopped"


def _hopeless(state: TaskState) -> tuple[str, str] | None:
    if state.failures.count >= MAX_FAILURES_IN_A_ROW:
        message = f"Three steps in a row failed in the same way: {state.failures.what}."
        return "failed_steps", message
    if state.repeats.count >= MAX_REPEATS:
        return "stuck", "The same call was made again and again with the same outcome."
    if (limit := exceeded(state.limits, state.spent)) is not None:
        return limit, LIMIT_MESSAGES[limit]
    return None

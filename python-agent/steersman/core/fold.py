"""The fold: how each event changes the state. Pure, and the only way a state comes to be."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import assert_never

from steersman.core import events as ev
from steersman.core.fold_team import team_changes
from steersman.core.limits import Spent
from steersman.core.state import (
    Ending,
    OpenAction,
    PendingApproval,
    Question,
    Streak,
    TaskPhase,
    TaskState,
)

_CONSEQUENCES = frozenset({"skipped", "not_run", "too_many_calls"})
"""Failures that say nothing about the action itself, so they do not count towards a streak."""

_DURATIONS = re.compile(r"\d+(\.\d+)?\s?(ms|s|seconds)\b")

Changes = dict[str, object]


def fold(envelopes: Iterable[ev.Envelope]) -> TaskState:
    """Fold a whole log, whose first event is `task_submitted`."""
    entries = iter(envelopes)
    state = _submitted(next(entries))
    for envelope in entries:
        state = apply(state, envelope)
    return state


def apply(state: TaskState, envelope: ev.Envelope) -> TaskState:
    """Return the state after one more event."""
    changes = _changes(state, envelope.event, envelope.epoch)
    changes |= {
        "seq": envelope.seq,
        "epoch": envelope.epoch,
        "updated_at": envelope.at,
    }
    # A new epoch means that the task has changed hands; nobody held it in between.
    at_work = state.phase is TaskPhase.RUNNING or state.begun
    if at_work and envelope.epoch == state.epoch:
        spent = changes.get("spent", state.spent)
        assert isinstance(spent, Spent)
        held = max((envelope.at - state.updated_at).total_seconds(), 0.0)
        changes["spent"] = spent.model_copy(update={"seconds": round(spent.seconds + held, 3)})
    return state.model_copy(update=changes)


def _submitted(envelope: ev.Envelope) -> TaskState:
    first = envelope.event
    if not isinstance(first, ev.TaskSubmitted):
        raise ValueError(f"a log begins with task_submitted, not with {first.type}")
    return TaskState(
        task_id=envelope.task_id,
        root_id=first.root_id,
        parent_id=first.parent_id,
        conversation_id=first.conversation_id,
        owner_id=first.owner_id,
        role=first.role,
        goal=first.goal,
        workspace=first.workspace,
        limits=first.limits,
        created_at=envelope.at,
        updated_at=envelope.at,
        seq=envelope.seq,
        epoch=envelope.epoch,
    )


def _changes(  # noqa: C901, PLR0912 - one arm per event
    state: TaskState, event: ev.Event, epoch: int
) -> Changes:
    match event:
        case ev.TaskClaimed():
            return {"claims": state.claims + 1, "retry_at": None}
        case ev.ThoughtRecorded():
            return _thought(state, event)
        case ev.ModelCallFailed():
            return _model_call_failed(state, event)
        case ev.ApprovalRequested() | ev.ApprovalDecided():
            return _approval(state, event)
        case ev.ActionStarted():
            return {"open_actions": _started(state, event, epoch)}
        case ev.ActionSucceeded() | ev.ActionFailed() | ev.ActionInterrupted():
            return _outcome(state, event)
        case ev.QuestionAsked():
            return {"question": Question(action_id=event.action_id, text=event.question)}
        case ev.ContextCompacted():
            return {"spent": state.spent.plus(event.usage)}
        case ev.PlanUpdated():
            return {"plan": event.items}
        case ev.ChildDelegated() | ev.WaitStarted() | ev.ChildFinished():
            return team_changes(state, event)
        case ev.MessageAdded() | ev.TaskPaused() | ev.TaskResumed() | ev.StopRequested():
            return _steered(event)
        case ev.TaskCompleted() | ev.TaskFailed() | ev.TaskStopped():
            return _ended(event)
        case ev.CommandRefused():
            return {}
        case ev.TaskSubmitted():
            raise ValueError("task_submitted stands only at the start of a log")
        case _:
            assert_never(event)


def _steered(
    event: ev.MessageAdded | ev.TaskPaused | ev.TaskResumed | ev.StopRequested,
) -> Changes:
    match event:
        case ev.MessageAdded():
            return {"question": None, "texts_without_call": 0, "retry_at": None}
        case ev.TaskPaused() | ev.TaskResumed():
            return {"paused": isinstance(event, ev.TaskPaused)}
        case ev.StopRequested():
            return {"stopping": event}


def _thought(state: TaskState, event: ev.ThoughtRecorded) -> Changes:
    spent = state.spent.plus(event.usage)
    if event.interrupted:
        return {"spent": spent, "trouble": state.trouble.over()}
    return {
        "step": event.step,
        "spent": spent.model_copy(update={"steps": spent.steps + 1}),
        "trouble": state.trouble.over(),
        "texts_without_call": 0 if event.actions else state.texts_without_call + 1,
        "last_text": "" if event.actions else event.text,
        "open_actions": tuple(OpenAction(action=action) for action in event.actions),
        "step_failure": None,
        "step_succeeded": False,
        "step_fingerprint": "",
    }


def _model_call_failed(state: TaskState, event: ev.ModelCallFailed) -> Changes:
    spent = state.spent.plus(event.usage)
    if event.code == "shutdown":
        return {"spent": spent}
    return {
        "trouble": state.trouble.then(event),
        "retry_at": event.retry_at,
        "spent": spent,
    }


def _approval(state: TaskState, event: ev.ApprovalRequested | ev.ApprovalDecided) -> Changes:
    if isinstance(event, ev.ApprovalRequested):
        known = event.model_dump(include=set(PendingApproval.model_fields))
        return {"approvals": (*state.approvals, PendingApproval.model_validate(known))}
    left = tuple(one for one in state.approvals if one.approval_id != event.approval_id)
    if event.decision != "approved":
        return {"approvals": left}
    return {
        "approvals": left,
        "open_actions": tuple(
            _approved(one, event) if one.action.action_id == event.action_id else one
            for one in state.open_actions
        ),
    }


def _approved(one: OpenAction, event: ev.ApprovalDecided) -> OpenAction:
    edited = {} if event.arguments is None else {"arguments": event.arguments}
    action = one.action.model_copy(update=edited)
    return one.model_copy(update={"action": action, "approved_sha256": event.arguments_sha256})


def _started(state: TaskState, event: ev.ActionStarted, epoch: int) -> tuple[OpenAction, ...]:
    intent = {"started": True, "started_epoch": epoch, "effect": event.effect, "key": event.key}
    return tuple(
        one.model_copy(update=intent) if one.action.action_id == event.action_id else one
        for one in state.open_actions
    )


def _outcome(state: TaskState, event: ev.Outcome) -> Changes:
    left = tuple(o for o in state.open_actions if o.action.action_id != event.action_id)
    pending = tuple(one for one in state.approvals if one.action_id != event.action_id)
    waits_on = state.wait and state.wait.action_id != event.action_id
    wait = state.wait if waits_on else None
    over: Changes = {"open_actions": left, "approvals": pending, "wait": wait}
    if isinstance(event, ev.ActionFailed) and event.error in _CONSEQUENCES:
        return over if left else over | _step_ended(state)
    succeeded = state.step_succeeded or isinstance(event, ev.ActionSucceeded)
    failure = state.step_failure
    if isinstance(event, ev.ActionFailed):
        failure = failure or f"{event.tool} {event.error}"
    changes: Changes = over | {
        "step_succeeded": succeeded,
        "step_failure": failure,
        "step_fingerprint": _fingerprint(state, event),
    }
    return changes if left else changes | _step_ended(state.model_copy(update=changes))


def _step_ended(state: TaskState) -> Changes:
    """Compare a step whose actions have all ended with the steps before it."""
    changes: Changes = {}
    if state.step_fingerprint:
        changes["repeats"] = state.repeats.then(state.step_fingerprint)
    if state.step_succeeded:
        changes["failures"] = Streak()
    elif state.step_failure:
        changes["failures"] = state.failures.then(state.step_failure)
    return changes


def _fingerprint(state: TaskState, event: ev.Outcome) -> str:
    """Tell one step from another by its calls and outcomes so far; durations do not count."""
    calls = (o.action for o in state.open_actions if o.action.action_id == event.action_id)
    arguments = next((action.arguments for action in calls), ev.JsonObject())
    said = _DURATIONS.sub("#", event.output)
    parts = [state.step_fingerprint, event.tool, arguments, event.type, said]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _ended(event: ev.FinalEvent) -> Changes:
    """An ended task waits for nothing."""
    waits: Changes = {"question": None, "wait": None, "paused": False, "retry_at": None}
    return {"ending": _ending(event), **waits}


def _ending(event: ev.FinalEvent) -> Ending:
    match event:
        case ev.TaskCompleted():
            return Ending(phase=TaskPhase.COMPLETED, result=event.result)
        case ev.TaskFailed():
            return Ending(phase=TaskPhase.FAILED, code=event.code, message=event.message)
        case ev.TaskStopped():
            return Ending(phase=TaskPhase.STOPPED, message=event.reason)

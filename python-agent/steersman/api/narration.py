"""A task's log told in plain words, for clients that only show text."""

import json
from typing import assert_never

from steersman.core import events as ev
from steersman.core.text import head_and_tail, shorten

_OUTPUT_BYTES = 2_000
_ARGUMENTS_CHARACTERS = 200


def narrate(event: ev.Event) -> tuple[str, str] | None:
    """Return the name of the message and its text, or None for what has no place in it."""
    match event:
        case ev.TaskCompleted():
            return "TASK_COMPLETE", event.result
        case ev.TaskStopped():
            return "TASK_STOPPED", event.reason or f"Stopped by {event.by}."
        case ev.TaskFailed():
            return "TASK_FAILED", f"{event.code}: {event.message}"
        case _:
            line = _line(event)
            return None if line is None else ("HISTORY_UPDATE", line)


def _line(  # noqa: C901, PLR0912 - one arm per event
    event: ev.Event,
) -> str | None:
    match event:
        case ev.ThoughtRecorded():
            return _thought(event)
        case ev.ModelCallFailed():
            again = "; it is asked again" if event.retry_at else ""
            return f"The model failed ({event.code}): {event.message}{again}"
        case ev.ActionSucceeded() | ev.ActionFailed() | ev.ActionInterrupted():
            return _outcome(event)
        case ev.QuestionAsked():
            return f"Question: {event.question}\n(Your next message is the answer.)"
        case ev.MessageAdded():
            return f"Message: {event.text}"
        case ev.PlanUpdated() | ev.ChildDelegated() | ev.WaitStarted() | ev.ChildFinished():
            return _team(event)
        case ev.StopRequested():
            return "Stopping."
        case ev.ContextCompacted():
            return "Older steps are summarized from here on."
        case ev.ApprovalRequested():
            return f"Waits for approval: {event.tool} {_arguments(event.arguments)}"
        case ev.ApprovalDecided():
            return f"{event.decision.capitalize()}."
        case ev.TaskPaused():
            return "Paused."
        case ev.TaskResumed():
            return "Resumed."
        case ev.TaskSubmitted() | ev.TaskClaimed() | ev.ActionStarted() | ev.CommandRefused():
            return None
        case ev.TaskCompleted() | ev.TaskFailed() | ev.TaskStopped():
            return None  # these have names of their own
        case _:
            assert_never(event)


def _team(
    event: ev.PlanUpdated | ev.ChildDelegated | ev.WaitStarted | ev.ChildFinished,
) -> str:
    match event:
        case ev.PlanUpdated():
            return "\n".join(["Plan", *(f"- [{one.state}] {one.text}" for one in event.items)])
        case ev.ChildDelegated():
            goal = shorten(event.goal, _ARGUMENTS_CHARACTERS)
            return f"Delegated to the {event.role} as {event.child_id}: {goal}"
        case ev.WaitStarted():
            return f"Waits for {event.until} of the tasks {', '.join(event.child_ids)}."
        case ev.ChildFinished():
            result = head_and_tail(event.result, _OUTPUT_BYTES)
            return f"The task {event.child_id} has ended: {event.state}.\n{result}"


def _thought(event: ev.ThoughtRecorded) -> str:
    calls = [f"-> {call.tool} {_arguments(call.arguments)}" for call in event.actions]
    text = [event.text] if event.text else []
    cut = ["(cut short)"] if event.interrupted else []
    return "\n".join([f"Step {event.step}", *text, *cut, *calls])


def _outcome(event: ev.Outcome) -> str:
    match event:
        case ev.ActionSucceeded(exit_code=None):
            head = f"{event.tool}: done"
        case ev.ActionSucceeded():
            head = f"{event.tool}: exit code {event.exit_code}"
        case ev.ActionFailed():
            head = f"{event.tool}: failed ({event.error})"
        case ev.ActionInterrupted():
            head = f"{event.tool}: interrupted ({event.reason})"
        case _:
            assert_never(event)
    output = head_and_tail(event.output.rstrip(), _OUTPUT_BYTES)
    return f"{head}\n{output}" if output else head


def _arguments(arguments: ev.JsonObject) -> str:
    return shorten(json.dumps(arguments, ensure_ascii=False), _ARGUMENTS_CHARACTERS)

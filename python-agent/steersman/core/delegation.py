"""What goes from a task to those that it delegates, and back: all of it part of one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from steersman.core.commands import AddMessage, ReportChild, StopTask
from steersman.core.events import Envelope, JsonObject, StopRequested
from steersman.core.ids import CommandId, TaskId
from steersman.core.state import Child, TaskPhase, TaskState
from steersman.core.text import cut_for_json

REPORT_LIMIT_BYTES = 8 * 1024
"""What a parent is told of a child's result; the child's own log has all of it."""


_END_STATES: Mapping[TaskPhase, Literal["completed", "failed", "stopped"]] = {
    TaskPhase.COMPLETED: "completed",
    TaskPhase.FAILED: "failed",
    TaskPhase.STOPPED: "stopped",
}


@dataclass(frozen=True, slots=True)
class NewChild:
    """A task to insert: its first event and its view. It works where its parent does."""

    first: Envelope
    view: JsonObject


@dataclass(frozen=True, slots=True)
class ChildPost:
    """A command for a child; a stop reaches all below it too."""

    child_id: TaskId
    command_id: CommandId
    command: AddMessage | StopTask


def author_of(task_id: TaskId) -> str:
    """Name a task as the author of what it says to its children."""
    return f"task:{task_id}"


def report(state: TaskState) -> ReportChild | None:
    """Say what an ended task tells its parent; None when it has none or has not ended."""
    if state.ending is None or state.parent_id is None:
        return None
    ending, phase = state.ending, state.ending.phase
    said = ending.result or ": ".join(filter(None, (ending.code, ending.message)))
    return ReportChild(
        child_id=state.task_id,
        state=_END_STATES[phase],
        result=cut_for_json(said, REPORT_LIMIT_BYTES),
        spent=state.spent,
    )


def stops(children: tuple[Child, ...], why: StopRequested, new_id: str) -> tuple[ChildPost, ...]:
    """Stop the children of a task whose own end was decided by nobody but itself."""
    command = StopTask(reason=f"The task above it ends: {why.code or why.then}.")
    return tuple(
        ChildPost(child.task_id, CommandId(f"{new_id}:{n}"), command)
        for n, child in enumerate(children)
    )

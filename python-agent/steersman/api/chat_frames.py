"""What a client of the JSON protocol can send: commands with their address, and watches."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from steersman.api.requests import (
    MAX_CURSOR,
    ApprovalBody,
    CommandIdText,
    MessageBody,
    RequestBody,
    StopBody,
    TaskBody,
    UuidText,
)
from steersman.core.commands import PauseTask, ResumeTask
from steersman.core.events import JsonObject


class SubmitTask(TaskBody):
    """`POST /tasks`."""

    type: Literal["submit_task"]
    command_id: CommandIdText | None = None


class AddMessageTo(MessageBody):
    """`POST /tasks/{task_id}/messages`."""

    type: Literal["add_message"]
    task_id: UuidText
    command_id: CommandIdText | None = None


class StopTaskNow(StopBody):
    """`POST /tasks/{task_id}/stop`."""

    type: Literal["stop_task"]
    task_id: UuidText
    command_id: CommandIdText | None = None


class PauseTaskNow(RequestBody):
    """`POST /tasks/{task_id}/pause`."""

    type: Literal["pause_task"]
    task_id: UuidText
    command_id: CommandIdText | None = None

    def to_command(self) -> PauseTask:
        """Return the command."""
        return PauseTask()


class ResumeTaskNow(RequestBody):
    """`POST /tasks/{task_id}/resume`."""

    type: Literal["resume_task"]
    task_id: UuidText
    command_id: CommandIdText | None = None

    def to_command(self) -> ResumeTask:
        """Return the command."""
        return ResumeTask()


class DecideApprovalNow(ApprovalBody):
    """`POST /approvals/{approval_id}`."""

    type: Literal["decide_approval"]
    approval_id: UuidText
    command_id: CommandIdText | None = None


class Watch(RequestBody):
    """Send the task's events past `after`, and go on live."""

    type: Literal["watch"]
    task_id: UuidText
    after: int = Field(default=0, ge=0, le=MAX_CURSOR)


class Unwatch(RequestBody):
    """Send no more of the task."""

    type: Literal["unwatch"]
    task_id: UuidText


TaskCommand = AddMessageTo | StopTaskNow | PauseTaskNow | ResumeTaskNow
CommandFrame = SubmitTask | TaskCommand | DecideApprovalNow
Frame = CommandFrame | Watch | Unwatch
_FRAMES: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])


def read_frame(body: JsonObject) -> Frame:
    """Read what a client sent. Raises `pydantic.ValidationError`."""
    return _FRAMES.validate_python(body)

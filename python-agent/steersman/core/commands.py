"""What anybody can want of a task. Each command has an id; the same command twice is one."""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from steersman.core.events import JsonObject
from steersman.core.ids import CommandId, OwnerId, TaskId
from steersman.core.limits import Spent

MAX_TEXT_CHARACTERS = 32_000


class CommandBase(BaseModel):
    """One wish. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AddMessage(CommandBase):
    """Say something to the task: it steers the next thought, or answers its question."""

    type: Literal["add_message"] = "add_message"
    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)


class StopTask(CommandBase):
    """End the task now. What was done stays."""

    type: Literal["stop_task"] = "stop_task"
    reason: str | None = Field(default=None, max_length=2_000)


class PauseTask(CommandBase):
    """Begin nothing more until the task is resumed. A tool that runs may end."""

    type: Literal["pause_task"] = "pause_task"


class ResumeTask(CommandBase):
    """Go on with a paused task."""

    type: Literal["resume_task"] = "resume_task"


class DecideApproval(CommandBase):
    """Approve or refuse an action. In the inbox the hash is of what shall run, edits included."""

    type: Literal["decide_approval"] = "decide_approval"
    approval_id: str
    decision: Literal["approve", "reject"]
    arguments_sha256: str
    arguments: JsonObject | None = None
    reason: str | None = Field(default=None, max_length=2_000)
    remember: Literal["conversation"] | None = None


class ReportChild(CommandBase):
    """What a child's last commit tells its parent. Nobody else can send it."""

    type: Literal["report_child"] = "report_child"
    child_id: TaskId
    state: Literal["completed", "failed", "stopped"]
    result: str
    spent: Spent


Command = AddMessage | StopTask | PauseTask | ResumeTask | DecideApproval
InboxCommand = Command | ReportChild

_COMMANDS: TypeAdapter[InboxCommand] = TypeAdapter(
    Annotated[InboxCommand, Field(discriminator="type")]
)


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A command in a task's inbox. `n` counts from 1 per task."""

    n: int
    command_id: CommandId
    command: InboxCommand
    author: OwnerId


def reaches_below(command: InboxCommand) -> bool:
    """Say whether a command for a task is one for all that it has delegated."""
    return isinstance(command, StopTask | PauseTask | ResumeTask)


def report_id(child_id: TaskId) -> CommandId:
    """Name the command by which a child reports its end: there is one."""
    return CommandId(f"child:{child_id}")


def parse_command(payload: JsonObject) -> InboxCommand:
    """Read a command back from the inbox."""
    return _COMMANDS.validate_python(payload)


def request_hash(body: JsonObject) -> str:
    """Return the hash by which a repeated command id is told from a reused one."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()

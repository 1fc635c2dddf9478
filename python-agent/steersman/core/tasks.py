"""What people and programs can do with tasks: submit, command, read, watch.

REST, SSE, WebSocket and the CLI are thin skins over this class.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from steersman.core.commands import MAX_TEXT_CHARACTERS, Command
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import CommandId, OwnerId, TaskId
from steersman.core.limits import Limits
from steersman.core.ports import Delta, Page, TaskFilter


class NewTask(BaseModel):
    """The body of `POST /tasks`. Fields left out take the role's or the deployment's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    role: str | None = None
    conversation_id: str | None = None
    workspace: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    limits: JsonObject = Field(default_factory=dict)
    on_busy: Literal["enqueue", "reject", "interrupt"] = "enqueue"


@dataclass(frozen=True, slots=True)
class EventPage:
    """Part of a log. `next_after` is the cursor to go on with; `final`: nothing will follow."""

    events: tuple[Envelope, ...]
    next_after: int
    final: bool


class Tasks:
    """All that can be asked of tasks, whoever asks. `owner_id` is always the asker.

    Raises RequestError leaves for what the caller did and StoreUnavailable.
    """

    async def submit(
        self,
        request: NewTask,
        owner_id: OwnerId,
        *,
        command_id: str | None = None,
        directory: str | None = None,
    ) -> JsonObject:
        """Write a task down. Returns {task_id, conversation_id, seq, state} after the commit.

        `directory` is an absolute path to work in, for the person at the machine only.
        """
        raise NotImplementedError

    async def post(
        self,
        task_id: TaskId,
        owner_id: OwnerId,
        command: Command,
        *,
        command_id: str | None = None,
    ) -> JsonObject:
        """Put a command into a task's inbox. Returns {command_id, state}."""
        raise NotImplementedError

    async def view(
        self, task_id: TaskId, owner_id: OwnerId, *, min_seq: int = 0
    ) -> JsonObject:
        """Return the task's view, from the copy when it is at least at `min_seq`."""
        raise NotImplementedError

    async def list(self, query: TaskFilter) -> Page:
        """Return one page of views, newest first."""
        raise NotImplementedError

    async def events(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0, limit: int = 500
    ) -> EventPage:
        """Return the events past `after`; raises CursorAhead past the end."""
        raise NotImplementedError

    def watch(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0
    ) -> AsyncIterator[Envelope | Delta]:
        """Yield each event past `after` once, in order, deltas between; end after a final event."""
        raise NotImplementedError

"""What the API shows beside tasks, and the seams through which `app.py` provides it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from steersman.core.ids import OwnerId, TaskId
from steersman.core.tool import FileEntry

Status = Literal["ok", "degraded", "unavailable"]


class WireModel(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(frozen=True)


class ActiveTask(WireModel):
    """A task that a worker of this process holds."""

    task_id: str
    goal: str


class Check(WireModel):
    """One part that was looked at. `detail` says what is wrong and how to mend it."""

    status: Status
    detail: str | None = None


class HealthReport(WireModel):
    """How this process is.

    `degraded` still does its work, `unavailable` does not. BUSY: every worker has a task;
    `active_task` is the one that was begun first.
    """

    status: Status
    agent_status: Literal["IDLE", "BUSY"]
    active_task: ActiveTask | None
    active_tasks: tuple[ActiveTask, ...]
    roles: tuple[str, ...]
    capacity: int
    checks: dict[str, Check]


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How many tasks this process works on at most, and on which it does, the oldest first."""

    capacity: int
    active: tuple[ActiveTask, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to send. `size_bytes` None: known only at the end."""

    chunks: AsyncIterator[bytes]
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class FileListing:
    """The files of a workspace, sorted by path. `truncated`: there are more."""

    files: tuple[FileEntry, ...]
    truncated: bool


class GitSource(WireModel):
    """A repository that the server can reach. Without `ref` its default branch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # git also knows transports that run commands (ext::) or read this machine's disk (file://).
    url: str = Field(
        pattern=r"^(https?|ssh|git)://[A-Za-z0-9\[][!-~]*$",
        max_length=2_000,
        examples=["https://git.example.com/team/shop.git"],
    )
    # A ref that begins with a dash would be an option.
    ref: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/@+-]*$",
        max_length=200,
        examples=["main"],
    )


@dataclass(frozen=True, slots=True)
class StoredWorkspace:
    """What a workspace holds after it was put."""

    files: int
    size_bytes: int


class Workspaces(Protocol):
    """Code in and out. `files` to `artifact` raise TaskNotFound, also for other people's tasks.

    What is wrong with a path, an archive or a repository is a RequestError or a ToolFailure,
    raised before the first chunk.
    """

    async def files(self, task_id: TaskId, owner_id: OwnerId) -> FileListing: ...

    async def file(self, task_id: TaskId, owner_id: OwnerId, path: str) -> Content: ...

    async def diff(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        """Return the unified diff since the task's start."""
        ...

    async def archive(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        """Return all files as a tar."""
        ...

    async def artifact(self, task_id: TaskId, owner_id: OwnerId, sha256: str) -> Content: ...

    async def put_archive(self, owner_id: OwnerId, name: str, archive: Path) -> StoredWorkspace:
        """Replace the workspace's files by those of a tar (plain or compressed) or zip.

        The caller deletes `archive`.
        """
        ...

    async def put_git(self, owner_id: OwnerId, name: str, source: GitSource) -> StoredWorkspace:
        """Replace the workspace's files by those of a repository's commit."""
        ...


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """`send_timeout`: a client that takes nothing for so long is cut; it resumes by cursor."""

    heartbeat: timedelta = timedelta(seconds=15)
    send_timeout: timedelta = timedelta(seconds=30)

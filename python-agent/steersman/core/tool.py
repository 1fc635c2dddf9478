"""What a tool is: a name, a schema, an effect class and one function.

The effect class decides the type. Pure and unsafe tools only run; an idempotent one first says
what it would replace (its key goes into the committed intent) and then does it, so that after a
crash the same call finds out by itself whether it had been done; a transactional one is a pure
function whose events are committed with its outcome. `same_by` names the arguments that make two
calls the same for a remembered approval; none means all of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from steersman.core.delegation import ChildPost, NewChild
from steersman.core.events import Action, Effect, Event, JsonObject
from steersman.core.ids import ActionId, TaskId
from steersman.core.model import ToolSpecification
from steersman.core.plain_schema import plain_schema
from steersman.core.roles import Team
from steersman.core.state import TaskState

LEFTOVERS = ".steersman-*.tmp"
"""What a crash in `WorkspaceFiles.replace` leaves; no listing, diff or archive has it."""

CACHES = frozenset(
    {
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""What no listing or diff shows. A list of ours, because a `.gitignore` is its writer's."""


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool has to say. `exit_code` only for commands."""

    text: str
    exit_code: int | None = None


class ToolFailure(Exception):
    """The tool could not do it. `code` is one of docs/contract.md; the message is for the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(Exception):
    """The call was cut where nobody can know whether it had its effect.

    The message is what is known, for the model. Not a failure: the call must not be repeated before
    somebody has looked.
    """


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a workspace. `path` is relative, with `/`."""

    path: str
    size_bytes: int
    modified_at: float


class WorkspaceFiles(Protocol):
    """The files of one workspace, and nothing outside of it.

    Paths are relative. Every method raises ToolFailure with `outside_workspace` (absolute paths,
    `..` and every symbolic link), `not_found`, `not_a_file` (directories, devices, FIFOs, sockets),
    `too_large` or `not_permitted`.
    """

    def list(self, path: str, pattern: str | None, limit: int) -> tuple[list[FileEntry], bool]:
        """Return the files below `path`, sorted, and whether there are more than `limit`."""
        ...

    def read(self, path: str) -> bytes: ...

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of a file's content, or None when there is no such file."""
        ...

    def replace(self, path: str, content: bytes, *, expected: str | None) -> None:
        """Write a file durably and atomically if its digest is `expected`, else `conflict`."""
        ...


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A shell command to run in a workspace."""

    action_id: ActionId
    command: str
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. `output` is stdout and stderr as they came, cut to the limit.

    `ended_by`: None when the command ended by itself, else why it was ended, such as `timeout`.
    """

    output: str
    output_bytes: int
    exit_code: int | None
    ended_by: str | None = None


class CommandRunner(Protocol):
    """Run one command where it can do no harm. Cancelling kills its whole process group."""

    async def run(self, request: CommandRequest) -> CommandResult: ...

    async def adopt(self, action_id: ActionId) -> CommandResult | None:
        """Return how a command ended that an earlier process began, if that is on record."""
        ...


class ChildReader(Protocol):
    """Look at the tasks that this one has delegated."""

    async def view(self, child_id: TaskId) -> JsonObject | None:
        """Return a child's view as of its last commit; None for what is no child of ours."""
        ...


class ArtifactReader(Protocol):
    """Read what was too long for an event."""

    async def read(self, name: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running tool may touch. `remaining` is the task's time that is left."""

    task_id: TaskId
    action_id: ActionId
    files: WorkspaceFiles
    commands: CommandRunner | None
    artifacts: ArtifactReader
    children: ChildReader
    remaining: timedelta


@dataclass(frozen=True, slots=True)
class DecideContext:
    """What a decision may look at. `new_id` is fresh for each call."""

    state: TaskState
    team: Team
    new_id: TaskId
    now: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """What a transactional call commits: events here, and with them tasks and commands below."""

    events: tuple[Event, ...]
    children: tuple[NewChild, ...] = ()
    posts: tuple[ChildPost, ...] = ()


@dataclass(frozen=True, slots=True)
class _ToolBase:
    name: str
    description: str
    arguments: type[Any]

    def specification(self) -> ToolSpecification:
        """Generate the function-calling specification from the arguments' schema."""
        schema = self.arguments.model_json_schema()
        schema.pop("description", None)
        return ToolSpecification(self.name, self.description, plain_schema(schema))


@dataclass(frozen=True, slots=True)
class RunningTool(_ToolBase):
    """A tool with effect `pure` or `unsafe`.

    `adopt` finds out what a call came to whose process died; None when nobody can know.
    """

    effect: Effect
    run: Callable[[Any, ToolContext], Awaitable[ToolOutput]]
    adopt: Callable[[Any, ToolContext], Awaitable[ToolOutput | None]] | None = None
    same_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdempotentTool(_ToolBase):
    """A tool whose `run` does nothing when the world already is as `prepare` planned it."""

    prepare: Callable[[Any, ToolContext], Awaitable[str]]
    run: Callable[[Any, ToolContext, str], Awaitable[ToolOutput]]
    effect: Effect = Effect.IDEMPOTENT
    same_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionalTool(_ToolBase):
    """A tool that is done by committing its events. `ends_reply`: later calls are not run.

    `decide` is pure: what a commit that is made again writes must be the same. It raises
    ToolFailure for a call that cannot be.
    """

    decide: Callable[[Any, Action, DecideContext], Decided]
    ends_reply: bool = False
    effect: Effect = Effect.TRANSACTIONAL
    same_by: tuple[str, ...] = ()


Tool = RunningTool | IdempotentTool | TransactionalTool

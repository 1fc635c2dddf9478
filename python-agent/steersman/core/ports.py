"""The seams to the outside world, each one idea wide. Adapters implement them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from steersman.core.approvals import Remembered, Ruling
from steersman.core.approving import ApprovalRow
from steersman.core.commands import Command, InboxEntry, ReportChild
from steersman.core.conversation import Earlier
from steersman.core.delegation import ChildPost, NewChild
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import CommandId, ConversationId, OwnerId, TaskId, WorkerId


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """`name` of an owner, or with `path` any directory of this host. Each holder raises `fence`."""

    workspace_id: str
    owner_id: OwnerId
    name: str
    path: str | None
    fence: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this process owns until it releases it or its lease ends.

    `workspace` is None when the task was claimed only to answer a command (`to_work` is false), or
    while a task that it has delegated holds it. `taken_over`: the last holder's lease had expired.
    `at` is when, by the store's clock.
    """

    task_id: TaskId
    worker_id: WorkerId
    epoch: int
    version: int
    inbox_seq: int
    inbox_done: int
    claims_since_progress: int
    taken_over: bool
    to_work: bool = True
    workspace: WorkspaceRef | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a child's last commit puts into the inbox of its parent."""

    parent_id: TaskId
    command_id: CommandId
    command: ReportChild
    author: OwnerId


@dataclass(frozen=True, slots=True)
class Decision:
    """What one commit writes: events 1..n after `version`, and the row as they leave it.

    `children` are inserted, `posts` go to inboxes below and `report` to the one above, all in the
    same transaction.

    `view` and `checkpoint` are JSON; `checkpoint` only where history starts anew. `seen_inbox`
    makes the commit fail with InboxMoved when a command has arrived since. `progress` resets the
    count of claims without any. `release` hands the task back in the same transaction. `due_at`
    None: nothing can happen by itself.
    """

    claim: Claim
    version: int
    commit_id: str
    envelopes: tuple[Envelope, ...]
    state: str
    waiting_for: tuple[str, ...]
    due_at: datetime | None
    final: bool
    view: JsonObject
    spent: JsonObject
    inbox_done: int
    artifacts: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    approvals: tuple[ApprovalRow, ...] = ()
    checkpoint: JsonObject | None = None
    children: tuple[NewChild, ...] = ()
    posts: tuple[ChildPost, ...] = ()
    report: Report | None = None
    seen_inbox: int | None = None
    progress: bool = False
    release: bool = False


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What a claimant folds. `checkpoint` is the state at `checkpoint_seq`, None at the start.

    `envelopes` begin after the last compaction's `through_seq`, so some may precede the checkpoint.
    """

    checkpoint: JsonObject | None
    checkpoint_seq: int
    envelopes: tuple[Envelope, ...]


NOW = timedelta()


class Journal(Protocol):
    """The log and the claims on it, for the process that works on tasks.

    Every method raises StoreUnavailable when the store does not answer. `commit` is safe to
    call again with the same `commit_id`; it raises LeaseLost when the task is no longer the
    claim's, InboxMoved when `seen_inbox` is not current.
    """

    async def claim(self, roles: Sequence[str], tree: TaskId | None = None) -> Claim | None:
        """Claim the task of these roles that has been due longest; only of a `tree` if given."""
        ...

    async def claim_for_command(self, task_id: TaskId) -> Claim | None:
        """Claim a task that nobody holds, to answer its inbox. Its workspace is not acquired."""
        ...

    async def acquire_workspace(self, claim: Claim) -> WorkspaceRef | None:
        """Take the workspace for a claim that came without it; None while another task has it."""
        ...

    async def history(self, task_id: TaskId) -> StoredHistory: ...

    async def inbox(self, task_id: TaskId, after: int) -> tuple[InboxEntry, ...]: ...

    async def commit(self, decision: Decision) -> int:
        """Write what was decided. Returns how many bytes the task's log and artifacts take up."""
        ...

    async def release(
        self, claim: Claim, *, after: timedelta = NOW, failed: bool = False, fence: int = 0
    ) -> None:
        """Hand the task back without an event; a claim that is lost already is no error.

        It is due again `after` so long by the store's clock. `failed` counts it as a claim without
        progress. The next holder of its workspace gets a fence above `fence`.
        """
        ...

    def disown(self, claim: Claim) -> None:
        """Let this worker claim the task again if the store still says that it holds it.

        For work that has ended, however it ended: a task that nobody works on must not stay held
        for as long as its worker lives.
        """
        ...

    async def artifact(self, task_id: TaskId, name: str) -> bytes | None: ...

    async def earlier(self, task_id: TaskId) -> Earlier:
        """Read the same each time: what had ended in its conversation before the task began."""
        ...

    async def remembered(self, task_id: TaskId) -> Remembered: ...

    async def child(self, task_id: TaskId, child_id: TaskId) -> JsonObject | None:
        """Read the view of a task's child; None when it is none of its children."""
        ...


@dataclass(frozen=True, slots=True)
class Submission:
    """A new task, its first event made. `request_hash` tells a repeated command from another."""

    first: Envelope
    view: JsonObject
    command_id: CommandId
    request_hash: str
    owner_id: OwnerId
    conversation_id: ConversationId
    workspace: str
    workspace_path: str | None
    on_busy: Literal["enqueue", "reject", "interrupt"]
    artifacts: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Posting:
    """A command for a task, as it goes into the inbox. `artifacts`: what is too long for events."""

    task_id: TaskId
    owner_id: OwnerId
    command_id: CommandId
    request_hash: str
    command: Command
    ruling: Ruling | None = None
    artifacts: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a command, and whose inboxes hold it now, parents before their children."""

    answer: JsonObject
    reached: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a listing. `next_cursor` is opaque; None at the end."""

    items: tuple[JsonObject, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks to list, newest first. An empty `states` means all."""

    owner_id: OwnerId
    states: tuple[str, ...] = ()
    conversation_id: ConversationId | None = None
    limit: int = 50
    cursor: str | None = None


class TaskStore(Protocol):
    """What the API, the CLI and watchers need. Answers are the stored ones when a command repeats.

    Raises TaskNotFound also for other people's tasks, CommandConflict, TaskEnded,
    ConversationBusy, StoreUnavailable.
    """

    async def submit(self, submission: Submission) -> JsonObject: ...

    async def post(self, posting: Posting) -> Posted: ...

    async def tree(self, task_id: TaskId, owner_id: OwnerId) -> tuple[JsonObject, ...]:
        """Read the views of a task and of all below it; a parent stands before its children."""
        ...

    async def view(self, task_id: TaskId, owner_id: OwnerId) -> JsonObject: ...

    async def list(self, query: TaskFilter) -> Page: ...

    async def events(self, task_id: TaskId, after: int, limit: int) -> tuple[Envelope, ...]: ...

    async def new_events(self, after: Mapping[TaskId, int], limit: int) -> tuple[Envelope, ...]:
        """Read what is past each task's cursor, each task's events in their order."""
        ...

    async def gone(self, task_ids: Sequence[TaskId]) -> tuple[TaskId, ...]: ...

    async def read_artifact(self, task_id: TaskId, name: str) -> bytes | None: ...

    async def workspace_of(self, task_id: TaskId) -> WorkspaceRef: ...

    def exclusive_workspace(
        self, owner_id: OwnerId, name: str
    ) -> AbstractAsyncContextManager[WorkspaceRef]:
        """Keep tasks out of a workspace for a moment; raises WorkspaceBusy while one is in it."""
        ...


class ViewCache(Protocol):
    """A copy of views, written after the commit. It may be missing or old, never ahead.

    `forget` is for tasks that are deleted.
    """

    async def get(self, task_id: TaskId) -> JsonObject | None: ...

    async def put(self, task_id: TaskId, epoch: int, version: int, view: JsonObject) -> None: ...

    async def forget(self, task_id: TaskId) -> None: ...


class Hints(Protocol):
    """Wake those who wait for a task. Hints may be lost; everybody also polls.

    Topics: a task id (its log or inbox grew) and `due` (some task may be claimed).
    """

    async def publish(self, topic: str) -> None: ...

    def listen(self, topic: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` for each hint on the topic until the returned function is called."""
        ...

"""The shapes of answers, for the OpenAPI document: docs/contract.md as types.

Answers are sent as the core made them; the tests hold them against these.
"""

from typing import Annotated, Any, Literal, Union, get_args

from pydantic import BaseModel, Field, create_model

from steersman.api.ports import WireModel
from steersman.core.events import Event, EventBase, PlanItem, Timestamp
from steersman.core.limits import Limits, Spent
from steersman.core.state import Blocker, TaskPhase


class TaskAccepted(WireModel):
    """The task is written down."""

    task_id: str
    conversation_id: str
    seq: int
    state: TaskPhase


class CommandAccepted(WireModel):
    """The command is written down; the event with its `command_id` says what became of it."""

    command_id: str
    state: TaskPhase


class TaskError(WireModel):
    """Why a task failed."""

    code: str
    message: str | None


class PendingApprovalItem(WireModel):
    """A call that waits for a person. `GET /approvals` has its arguments."""

    approval_id: str
    action_id: str
    tool: str
    arguments_sha256: str
    reason: str
    expires_at: Timestamp


class Approval(WireModel):
    """A call that needs a person's yes, and what became of it."""

    approval_id: str
    task_id: str
    root_id: str
    role: str
    tool: str
    arguments: dict[str, Any]
    arguments_sha256: str
    reason: str
    state: Literal["pending", "approved", "rejected", "expired", "withdrawn"]
    requested_at: Timestamp
    expires_at: Timestamp
    decided_by: str | None
    decided_at: Timestamp | None
    remember: Literal["conversation"] | None


class ApprovalPage(WireModel):
    """Some approvals, newest first. `next_cursor` null: these were the last."""

    items: tuple[Approval, ...]
    next_cursor: str | None


class ApprovalRuled(WireModel):
    """The decision is taken; the event with its `command_id` follows in the task's log."""

    command_id: str
    approval_id: str
    task_id: str
    state: Literal["approved", "rejected"]


class ChildItem(WireModel):
    """A task that was delegated: `delegated` until its end has been reported."""

    task_id: str
    role: str
    state: Literal["delegated", "completed", "failed", "stopped"]


class TaskView(WireModel):
    """A task as of event `seq`. Long texts are cut; the log has them whole."""

    task_id: str
    root_id: str
    parent_id: str | None
    conversation_id: str
    owner_id: str
    role: str
    goal: str
    state: TaskPhase
    waiting_for: tuple[Blocker, ...]
    seq: int
    epoch: int
    step: int
    result: str | None
    error: TaskError | None
    plan: tuple[PlanItem, ...]
    children: tuple[ChildItem, ...]
    pending_approvals: tuple[PendingApprovalItem, ...]
    question: str | None
    limits: Limits
    spent: Spent
    workspace: str
    created_at: Timestamp
    updated_at: Timestamp
    size_bytes: int


class TaskTree(WireModel):
    """A task and all that it has delegated, and so on, each as of its last commit."""

    task: TaskView
    children: tuple["TaskTree", ...]


class TaskPage(WireModel):
    """Some tasks, newest first. `next_cursor` null: these were the last."""

    items: tuple[TaskView, ...]
    next_cursor: str | None


class Conversation(WireModel):
    """Tasks that follow each other. `active_task_id`: the one that is worked on, or waits.

    `task_count` counts the tasks that were asked for, not those that they gave to others.
    """

    conversation_id: str
    title: str | None
    archived: bool
    active_task_id: str | None
    task_count: int
    created_at: Timestamp
    updated_at: Timestamp


class ConversationPage(WireModel):
    """Some conversations, newest activity first. `next_cursor` null: these were the last."""

    items: tuple[Conversation, ...]
    next_cursor: str | None


class _Place(WireModel):
    task_id: str
    seq: int = Field(ge=1, description="Counts the events of a task from 1 without gaps.")
    at: Timestamp
    epoch: int
    command_id: str | None = Field(default=None, description="The command that it answers.")


def _on_the_wire(event: type[EventBase]) -> type[BaseModel]:
    return create_model(event.__name__, __base__=(event, _Place), __doc__=event.__doc__)


EVENTS = tuple(_on_the_wire(event) for event in get_args(Event))
AnyEvent = Annotated[Union[EVENTS], Field(discriminator="type")]  # noqa: UP007 - computed


class EventPageBody(WireModel):
    """Part of a log. Go on with `after=next_after`; `final`: nothing will follow."""

    # Computed from the vocabulary, which a type checker cannot follow.
    events: tuple[AnyEvent, ...]  # pyright: ignore[reportInvalidTypeForm]
    next_after: int
    final: bool


class FileItem(WireModel):
    """A file of a workspace."""

    path: str
    bytes: int
    modified_at: Timestamp


class FileList(WireModel):
    """The files of a workspace, sorted by path. `truncated`: there are more."""

    files: tuple[FileItem, ...]
    truncated: bool


class WorkspaceStored(WireModel):
    """What the workspace holds now."""

    workspace: str
    files: int
    bytes: int


class RoleItem(WireModel):
    """A member of the team. `default`: who gets tasks that name no role."""

    role: str
    description: str
    model: str
    tools: tuple[str, ...]
    limits: Limits
    default: bool


class RoleList(WireModel):
    """The team."""

    items: tuple[RoleItem, ...]


class ToolItem(WireModel):
    """Something that roles can do. `parameters` is a JSON Schema."""

    tool: str
    description: str
    effect: Literal["pure", "transactional", "idempotent", "keyed", "unsafe"]
    parameters: dict[str, Any]


class ToolList(WireModel):
    """Everything that roles can do."""

    items: tuple[ToolItem, ...]


class Alive(WireModel):
    """It answers."""

    status: Literal["ok"] = "ok"

"""The vocabulary of the log: one class per event, the wire `type` derived from its name.

An event says what happened; its envelope says to which task, where in the log, when and under
which epoch. On the wire both are one flat object. Events are never edited: a new field has a
default, a new meaning gets a new name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter

from steersman.core.ids import (
    ActionId,
    ApprovalId,
    CommandId,
    ConversationId,
    MessageId,
    OwnerId,
    TaskId,
    WorkerId,
)
from steersman.core.limits import RecordedLimits, Spent, Usage

JsonObject = dict[str, Any]


def format_time(at: datetime) -> str:
    """Write RFC 3339 in UTC with milliseconds."""
    utc = at.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


Timestamp = Annotated[AwareDatetime, PlainSerializer(format_time, when_used="json")]


class Effect(StrEnum):
    """What a tool does to the world, which decides what a crash in the middle of it means."""

    PURE = "pure"
    TRANSACTIONAL = "transactional"
    IDEMPOTENT = "idempotent"
    KEYED = "keyed"
    UNSAFE = "unsafe"


class EventBase(BaseModel):
    """One fact. Readers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Action(BaseModel):
    """One tool call of a thought. `arguments` are what the model sent, `{}` if that was no JSON."""

    model_config = ConfigDict(frozen=True)

    action_id: ActionId
    tool: str
    arguments: JsonObject


class TaskSubmitted(EventBase):
    """Somebody wants something done."""

    type: Literal["task_submitted"] = "task_submitted"
    goal: str
    role: str
    conversation_id: ConversationId
    parent_id: TaskId | None = None
    root_id: TaskId
    owner_id: OwnerId
    workspace: str
    limits: RecordedLimits
    team_version: str


class TaskClaimed(EventBase):
    """A worker begins or goes on with the task. A new epoch begins."""

    type: Literal["task_claimed"] = "task_claimed"
    worker_id: WorkerId
    attempt: int
    reason: Literal["new", "resumed", "takeover"]


class ThoughtRecorded(EventBase):
    """The model answered. `interrupted`: cut by a stop or a message, so it has no actions."""

    type: Literal["thought_recorded"] = "thought_recorded"
    step: int
    text: str
    actions: tuple[Action, ...] = ()
    model: str
    usage: Usage
    duration_ms: int
    interrupted: bool = False


class ModelCallFailed(EventBase):
    """The model did not answer usably. `retry_at` is set while another try makes sense."""

    type: Literal["model_call_failed"] = "model_call_failed"
    step: int
    code: str
    message: str
    usage: Usage
    retry_at: Timestamp | None = None


class ApprovalRequested(EventBase):
    """An action waits for a person. The hash is of the whole arguments, long strings included."""

    type: Literal["approval_requested"] = "approval_requested"
    approval_id: ApprovalId
    action_id: ActionId
    tool: str
    arguments: JsonObject
    arguments_sha256: str
    reason: str
    expires_at: Timestamp


class ApprovalDecided(EventBase):
    """An approval was given, refused or left until it expired.

    The hash is of the arguments that will run; `arguments` are those where a person edited them.
    """

    type: Literal["approval_decided"] = "approval_decided"
    approval_id: ApprovalId
    action_id: ActionId
    decision: Literal["approved", "rejected", "expired"]
    decided_by: str
    reason: str | None = None
    arguments_sha256: str
    arguments: JsonObject | None = None
    remember: Literal["conversation"] | None = None


class QuestionAsked(EventBase):
    """The agent needs an answer of a person; the next message is it."""

    type: Literal["question_asked"] = "question_asked"
    action_id: ActionId
    question: str


class ActionStarted(EventBase):
    """The intent, committed before an effect that a crash could leave half known."""

    type: Literal["action_started"] = "action_started"
    action_id: ActionId
    tool: str
    effect: Effect
    key: str


class OutcomeBase(EventBase):
    """How an action ended. `output_bytes` counts the whole output, of which `output` is kept."""

    action_id: ActionId
    tool: str
    output: str
    output_bytes: int
    truncated: bool = False
    artifact: str | None = None
    exit_code: int | None = None
    duration_ms: int = 0


class ActionSucceeded(OutcomeBase):
    """The tool did its work. A command's exit code other than 0 is a success with that code."""

    type: Literal["action_succeeded"] = "action_succeeded"


class ActionFailed(OutcomeBase):
    """The tool did not do its work; `error` is the stable code of the reason."""

    type: Literal["action_failed"] = "action_failed"
    error: str


class ActionInterrupted(EventBase):
    """The action was cut. After `outcome_unknown` nobody knows whether it took effect."""

    type: Literal["action_interrupted"] = "action_interrupted"
    action_id: ActionId
    tool: str
    reason: Literal["stopped", "shutdown", "outcome_unknown"]
    output: str = ""


class MessageAdded(EventBase):
    """A person said something to the task."""

    type: Literal["message_added"] = "message_added"
    message_id: MessageId
    text: str
    author_id: OwnerId


class PlanItem(BaseModel):
    """One line of a plan."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    state: Literal["pending", "in_progress", "done", "dropped"]


class PlanUpdated(EventBase):
    """The agent's plan, as it is from now on."""

    type: Literal["plan_updated"] = "plan_updated"
    items: tuple[PlanItem, ...]


class ChildDelegated(EventBase):
    """Another role gets a part of the work, as a task of its own with limits out of ours."""

    type: Literal["child_delegated"] = "child_delegated"
    action_id: ActionId
    child_id: TaskId
    role: str
    goal: str
    workspace: Literal["shared", "fork"]
    limits: RecordedLimits


class WaitStarted(EventBase):
    """Nothing more is done until one of these children has ended, or all of them."""

    type: Literal["wait_started"] = "wait_started"
    action_id: ActionId
    child_ids: tuple[TaskId, ...]
    until: Literal["all", "any"]


class ChildFinished(EventBase):
    """A child has ended. `result` is what it says of it; `spent` is settled with our limits."""

    type: Literal["child_finished"] = "child_finished"
    child_id: TaskId
    state: Literal["completed", "failed", "stopped"]
    result: str
    spent: Spent


class ContextCompacted(EventBase):
    """Prompts show `summary` in place of everything up to `through_seq` from now on."""

    type: Literal["context_compacted"] = "context_compacted"
    through_seq: int
    summary: str
    usage: Usage


class TaskPaused(EventBase):
    """Nothing more is begun until the task is resumed."""

    type: Literal["task_paused"] = "task_paused"
    by: str


class TaskResumed(EventBase):
    """A paused task goes on."""

    type: Literal["task_resumed"] = "task_resumed"
    by: str


class StopRequested(EventBase):
    """The task is ending; `then` is what its end will be."""

    type: Literal["stop_requested"] = "stop_requested"
    by: str
    reason: str | None = None
    then: Literal["stopped", "failed"] = "stopped"
    code: str | None = None
    message: str | None = None


class CommandRefused(EventBase):
    """A command found nothing to do."""

    type: Literal["command_refused"] = "command_refused"
    code: str


class TaskCompleted(EventBase):
    """The agent finished. Final."""

    type: Literal["task_completed"] = "task_completed"
    result: str


class TaskFailed(EventBase):
    """The task cannot go on. Final."""

    type: Literal["task_failed"] = "task_failed"
    code: str
    message: str


class TaskStopped(EventBase):
    """A person stopped the task. Final."""

    type: Literal["task_stopped"] = "task_stopped"
    by: str
    reason: str | None = None


Outcome = ActionSucceeded | ActionFailed | ActionInterrupted
FinalEvent = TaskCompleted | TaskFailed | TaskStopped
Event = (
    TaskSubmitted
    | TaskClaimed
    | ThoughtRecorded
    | ModelCallFailed
    | ApprovalRequested
    | ApprovalDecided
    | QuestionAsked
    | ActionStarted
    | Outcome
    | MessageAdded
    | PlanUpdated
    | ChildDelegated
    | WaitStarted
    | ChildFinished
    | ContextCompacted
    | TaskPaused
    | TaskResumed
    | StopRequested
    | CommandRefused
    | FinalEvent
)

_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event in its place. `command_id` names the command that it answers."""

    task_id: TaskId
    seq: int
    at: datetime
    epoch: int
    event: Event
    command_id: CommandId | None = None

    def to_wire(self) -> JsonObject:
        """Return the flat JSON object of docs/contract.md, `type` first."""
        payload = event_payload(self.event)
        answer = {"command_id": self.command_id} if self.command_id else {}
        return {
            "type": self.event.type,
            "task_id": self.task_id,
            "seq": self.seq,
            "at": format_time(self.at),
            "epoch": self.epoch,
            **answer,
            **payload,
        }


def event_payload(event: Event) -> JsonObject:
    """Return the event's own fields, without those that are null, and without `type`."""
    return event.model_dump(mode="json", exclude={"type"}, exclude_none=True)


def parse_event(kind: str, payload: JsonObject) -> Event:
    """Read an event back.

    Raises `pydantic.ValidationError` for a type that this version does not know.
    """
    return _EVENTS.validate_python({**payload, "type": kind}, strict=False)


def parse_envelope(wire: JsonObject) -> Envelope:
    """Read the flat JSON object of docs/contract.md."""
    return Envelope(
        task_id=TaskId(wire["task_id"]),
        seq=wire["seq"],
        at=datetime.fromisoformat(wire["at"]),
        epoch=wire["epoch"],
        event=parse_event(wire["type"], wire),
        command_id=wire.get("command_id"),
    )

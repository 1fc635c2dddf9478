"""The parts that requests are made of, checked: texts, ids, limits, and the bodies."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Depends, Header, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from steersman.core.commands import MAX_TEXT_CHARACTERS, AddMessage, DecideApproval, StopTask
from steersman.core.errors import ApprovalNotFound, NotFound, TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import ApprovalId, ConversationId, TaskId
from steersman.core.limits import Limits
from steersman.core.new_task import WORKSPACE_PATTERN, NewTask
from steersman.core.text import is_clean

MAX_CURSOR = 2**53 - 1
"""The largest whole number that every JSON reader keeps."""

MAX_TITLE_CHARACTERS = 200

EXAMPLE_ID = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"
EXAMPLE_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _require_clean(text: str) -> str:
    if not is_clean(text):
        raise ValueError("NUL and unpaired surrogates cannot be kept")
    return text


def _require_words(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _canonical_uuid(text: str) -> str:
    try:
        canonical = str(UUID(text))
    except ValueError:
        canonical = ""
    if canonical != text.lower():
        raise ValueError("must be a UUID")
    return canonical


CleanText = Annotated[str, AfterValidator(_require_clean)]
Words = Annotated[CleanText, AfterValidator(_require_words)]
UuidText = Annotated[
    str, AfterValidator(_canonical_uuid), Field(json_schema_extra={"format": "uuid"})
]
WorkspaceName = Annotated[str, Field(pattern=WORKSPACE_PATTERN, examples=["shop"])]
CommandIdText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Makes repeating safe: the same id and body are one command.",
        examples=[EXAMPLE_ID],
    ),
]
IdempotencyKey = Annotated[CommandIdText | None, Header(alias="Idempotency-Key")]


class RequestBody(BaseModel):
    """Something that is asked. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitsBody(Limits):
    """Limits that differ from the role's. Numbers must be numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TaskBody(RequestBody):
    """A new task."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"goal": "Make the failing tests pass"},
                {
                    "goal": "Make the failing tests pass",
                    "role": "developer",
                    "workspace": "shop",
                    "limits": {"max_steps": 20},
                },
            ]
        },
    )

    goal: Words = Field(
        min_length=1,
        max_length=MAX_TEXT_CHARACTERS,
    )
    role: CleanText | None = Field(default=None, max_length=64)
    conversation_id: UuidText | None = None
    workspace: WorkspaceName | None = None
    limits: LimitsBody = LimitsBody()
    on_busy: Literal["enqueue", "reject", "interrupt"] = "enqueue"

    def to_new_task(self) -> NewTask:
        """Return what the core reads; limits that were not given stay open."""
        fields = self.model_dump(include=set(NewTask.model_fields), exclude_unset=True)
        return NewTask.model_validate(fields)


class MessageBody(RequestBody):
    """Something to say to a task."""

    text: Words = Field(
        min_length=1, max_length=MAX_TEXT_CHARACTERS, examples=["Keep the public API as it is."]
    )

    def to_command(self) -> AddMessage:
        """Return the command."""
        return AddMessage(text=self.text)


class StopBody(RequestBody):
    """Why a task is stopped."""

    reason: CleanText | None = Field(default=None, max_length=2_000, examples=["No longer needed"])

    def to_command(self) -> StopTask:
        """Return the command."""
        return StopTask(reason=self.reason)


class ConversationBody(RequestBody):
    """What shall be different of a conversation."""

    title: Words | None = Field(
        default=None, min_length=1, max_length=MAX_TITLE_CHARACTERS, examples=["The shop"]
    )
    archived: bool | None = Field(default=None, strict=True)

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if self.title is None and self.archived is None:
            raise ValueError("give a title, or archived, or both")
        return self


class ApprovalBody(RequestBody):
    """A decision on an approval. `arguments` replace those that were shown, if it is approved."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"decision": "approve", "arguments_sha256": EXAMPLE_SHA256},
                {
                    "decision": "reject",
                    "arguments_sha256": EXAMPLE_SHA256,
                    "reason": "Not on this branch.",
                },
            ]
        },
    )

    decision: Literal["approve", "reject"]
    arguments_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of the arguments that were shown; opaque."
    )
    arguments: JsonObject | None = None
    reason: CleanText | None = Field(default=None, max_length=2_000)
    remember: Literal["conversation"] | None = None

    def to_decision(self, approval_id: str) -> DecideApproval:
        """Return the command."""
        fields = self.model_dump(include=set(ApprovalBody.model_fields))
        return DecideApproval(approval_id=approval_id, **fields)


def _task_in_path(
    task_id: Annotated[str, Path(json_schema_extra={"format": "uuid"}, examples=[EXAMPLE_ID])],
) -> TaskId:
    try:
        return TaskId(_canonical_uuid(task_id))
    except ValueError:
        raise TaskNotFound from None


TaskInPath = Annotated[TaskId, Depends(_task_in_path)]


def _approval_in_path(
    approval_id: Annotated[str, Path(json_schema_extra={"format": "uuid"}, examples=[EXAMPLE_ID])],
) -> ApprovalId:
    try:
        return ApprovalId(_canonical_uuid(approval_id))
    except ValueError:
        raise ApprovalNotFound from None


ApprovalInPath = Annotated[ApprovalId, Depends(_approval_in_path)]


def _conversation_in_path(
    conversation_id: Annotated[
        str, Path(json_schema_extra={"format": "uuid"}, examples=[EXAMPLE_ID])
    ],
) -> ConversationId:
    try:
        return ConversationId(_canonical_uuid(conversation_id))
    except ValueError:
        raise NotFound from None


ConversationInPath = Annotated[ConversationId, Depends(_conversation_in_path)]

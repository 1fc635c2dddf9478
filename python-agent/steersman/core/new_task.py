"""A new task as somebody asks for it, and the first event of its log."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from steersman.core.clock import Clock, new_id
from steersman.core.commands import MAX_TEXT_CHARACTERS
from steersman.core.errors import Invalid
from steersman.core.events import Envelope, JsonObject, TaskSubmitted
from steersman.core.ids import ConversationId, OwnerId, TaskId
from steersman.core.limits import wished_limits
from steersman.core.roles import Team

WORKSPACE_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"
"""A name and no path; with a leading dot it would be `..`, or mean something, as `.git` does."""


class NewTask(BaseModel):
    """The body of `POST /tasks`. Fields left out take the role's or the deployment's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    role: str | None = None
    conversation_id: str | None = None
    workspace: str | None = Field(default=None, pattern=WORKSPACE_PATTERN)
    limits: JsonObject = Field(default_factory=dict)
    on_busy: Literal["enqueue", "reject", "interrupt"] = "enqueue"

    @field_validator("conversation_id")
    @classmethod
    def _spell(cls, given: str | None) -> str | None:
        """Spell a UUID in one way: the workspace of a conversation is found by its name."""
        try:
            return given and str(UUID(given))
        except ValueError:
            return given  # the store says what is wrong with it


def first_event(
    request: NewTask,
    owner_id: OwnerId,
    conversation_id: ConversationId,
    *,
    team: Team,
    clock: Clock,
) -> Envelope:
    """Make the log's first event of a request that names its role. Raises Invalid."""
    role = team.roles.get(request.role or "")
    if request.role is None or role is None:
        known = ", ".join(sorted(team.roles))
        raise Invalid(f"There is no role {request.role!r}. The roles are: {known}.")
    task_id = TaskId(new_id(clock))
    submitted = TaskSubmitted(
        goal=request.goal,
        role=request.role,
        conversation_id=conversation_id,
        root_id=task_id,
        owner_id=owner_id,
        workspace=request.workspace or conversation_id,
        limits=wished_limits(role.limits, request.limits),
        team_version=team.version,
    )
    return Envelope(task_id=task_id, seq=1, at=clock.now(), epoch=0, event=submitted)

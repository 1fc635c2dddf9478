"""What working on tasks needs of the outside, in one value that `app/wiring.py` puts together."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from steersman.core.approvals import ApprovalPolicy, Policies
from steersman.core.clock import Clock
from steersman.core.deltas import DeltaFeed
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId, WorkerId
from steersman.core.model import Model
from steersman.core.ports import (
    Hints,
    Journal,
    ViewCache,
    WorkspaceRef,
)
from steersman.core.roles import Role, Team
from steersman.core.tool import CommandRunner, Tool, WorkspaceFiles


@dataclass(frozen=True, slots=True)
class OpenWorkspace:
    """A workspace that this process may work in. `commands` None: the command tool is off."""

    files: WorkspaceFiles
    commands: CommandRunner | None


class PromptLibrary(Protocol):
    """The texts of `prompts/`. A name that a template uses and nobody gave is an error."""

    def render(self, template: str, values: Mapping[str, object]) -> str: ...


class Workspaces(Protocol):
    """Find and prepare the directories that tasks work in."""

    async def open(self, task_id: TaskId, ref: WorkspaceRef) -> OpenWorkspace:
        """Make the directory if it is new, and note its content as the task's start."""
        ...


@dataclass(frozen=True, slots=True)
class LoopPolicy:
    """The deployment's choices. `models` is the list to try, the first one first.

    `context_tokens` tells the size of a model's context. `approvals` win over the roles' own.
    """

    models: tuple[str, ...]
    context_tokens: Callable[[str], Awaitable[int]]
    max_output_tokens: int
    approvals: Policies = field(default_factory=dict[str, ApprovalPolicy])
    approval_ttl: timedelta = timedelta(minutes=30)
    delta_interval: timedelta = timedelta(milliseconds=30)
    delta_bytes: int = 4096


class Telemetry(Protocol):
    """Observe how long a part of a step takes: `prompt`, `model`, `commit`, `tool`."""

    def span(self, name: str) -> AbstractContextManager[object]: ...


class NoTelemetry:
    """Observe nothing."""

    def span(self, name: str) -> AbstractContextManager[object]:
        return nullcontext(name)


FAILPOINTS = (
    "claimed",
    "thought",
    "intended",
    "acted",
    "committing",
    "acknowledged",
    "committed",
    "told",
    "releasing",
)
"""Where a process can be made to fail: after a claim, with a reply that is not recorded, with an
intent that is not acted on, with an outcome that is not recorded, before, in and after each
commit, before a release."""


class Failpoints(Protocol):
    """Fail where a test wants it; nowhere otherwise."""

    def reach(self, name: str) -> None: ...


class NoFailpoints:
    """Never fail on purpose."""

    def reach(self, name: str) -> None:
        pass


def model_list(policy: LoopPolicy, role: Role) -> tuple[str, ...]:
    """Name the models to try: the role's own first."""
    if role.model is None:
        return policy.models
    return (role.model, *(model for model in policy.models if model != role.model))


@dataclass(frozen=True, slots=True)
class Recording:
    """What commits, and what is told of them."""

    journal: Journal
    cache: ViewCache
    hints: Hints
    clock: Clock
    telemetry: Telemetry
    failpoints: Failpoints = field(default_factory=NoFailpoints)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that the loop uses."""

    recording: Recording
    model: Model
    prompts: PromptLibrary
    team: Team
    tools: Mapping[str, Tool]
    workspaces: Workspaces
    deltas: DeltaFeed
    worker_id: WorkerId
    policy: LoopPolicy


@dataclass(frozen=True, slots=True)
class OwnChildren:
    """What a task's children have come to, for the tool that looks at them."""

    journal: Journal
    task_id: TaskId

    async def view(self, child_id: TaskId) -> JsonObject | None:
        """Return a child's view; None for what is no child of the task."""
        return await self.journal.child(self.task_id, child_id)


@dataclass(frozen=True, slots=True)
class KeptArtifacts:
    """What a task's log kept beside itself, for the tool that reads it."""

    journal: Journal
    task_id: TaskId

    async def read(self, name: str) -> bytes | None:
        """Return it whole, None when there is none by that name."""
        return await self.journal.artifact(self.task_id, name)

"""What is deleted, and on whose word: a tree by its owner, old trees by the operator."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steersman.core.ids import OwnerId, TaskId


@dataclass(frozen=True, slots=True)
class DeletedTask:
    """A task that is gone from the store; files of this host may be left of it."""

    task_id: TaskId
    owner_id: OwnerId
    workspace_id: str
    events: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OldTrees:
    """How much there is to delete. `size_bytes`: of events and artifacts."""

    trees: int
    tasks: int
    events: int
    size_bytes: int


class Retention(Protocol):
    """Delete whole trees that have ended, and nothing else. Raises StoreUnavailable."""

    async def delete(self, task_id: TaskId, owner_id: OwnerId) -> tuple[DeletedTask, ...]:
        """Delete the tree of a root task. Raises TaskNotFound, Invalid for a child, TaskRunning."""
        ...

    async def old(self, before: datetime) -> OldTrees:
        """Count what `prune` would delete."""
        ...

    def prune(self, before: datetime) -> AsyncGenerator[tuple[DeletedTask, ...]]:
        """Delete the trees that ended before a moment, in batches that may be interrupted."""
        ...

"""What is deleted, and on whose word: a tree by its owner, old trees by the operator.

1. The rows go, whole trees at a time; from then on nobody finds the tasks.
2. Copies of their views are forgotten, and who still watches is woken to see that they are gone.
3. What this host keeps of them in files goes last: whoever dies before that leaves files that
   belong to nobody, which the next `clear` finds by comparing them with the store.
"""

import logging
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steersman.core.errors import Unavailable
from steersman.core.ids import OwnerId, TaskId
from steersman.core.ports import Hints, ViewCache

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeletedTask:
    """A task that is gone from the store; files of this host may be left of it."""

    task_id: TaskId
    root_id: TaskId
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


class Leftovers(Protocol):
    """What this host keeps of tasks outside of the store."""

    async def clear(self, workspace_ids: Collection[str] | None = None) -> int:
        """Remove what belongs to no task any more; return in how many workspaces there was some.

        Only of these workspaces if they are given. One in which a task works is passed over.
        Raises StoreUnavailable.
        """
        ...


class Removals:
    """Delete tasks with all that is kept of them, in the store and on this host."""

    def __init__(
        self, retention: Retention, leftovers: Leftovers, cache: ViewCache, hints: Hints
    ) -> None:
        self._retention = retention
        self._leftovers = leftovers
        self._cache = cache
        self._hints = hints

    async def delete(self, task_id: TaskId, owner_id: OwnerId) -> tuple[DeletedTask, ...]:
        """Delete the tree of a root task of the owner's that has ended. Raises as Retention."""
        deleted = await self._retention.delete(task_id, owner_id)
        await self._forget(deleted)
        try:
            await self._leftovers.clear({task.workspace_id for task in deleted})
        except Unavailable as error:
            # The tasks are gone, which is what was asked for; a later `clear` finds the files.
            _log.warning("leftovers_stay", extra={"action": "leftovers", "reason": str(error)})
        return deleted

    async def old(self, before: datetime) -> OldTrees:
        """Count what `prune` would delete."""
        return await self._retention.old(before)

    async def prune(self, before: datetime) -> AsyncGenerator[tuple[DeletedTask, ...]]:
        """Delete the trees that ended before a moment; files are for `clear`, after it."""
        async for batch in self._retention.prune(before):
            await self._forget(batch)
            yield batch

    async def clear(self) -> int:
        """Remove the files of this host that belong to no task any more."""
        return await self._leftovers.clear()

    async def _forget(self, deleted: Sequence[DeletedTask]) -> None:
        for task in deleted:
            await self._cache.forget(task.task_id)
            await self._hints.publish(task.task_id)

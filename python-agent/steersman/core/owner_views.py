"""Read the views of all tasks of a person, and then those that have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId


@dataclass(frozen=True, slots=True)
class OwnedView:
    """A view as it is shown, and whose."""

    owner_id: OwnerId
    view: JsonObject

    @property
    def task_id(self) -> TaskId:
        """Return whose view it is."""
        return TaskId(self.view["task_id"])

    @property
    def seq(self) -> int:
        """Return how far the task was."""
        return self.view["seq"]


class OwnerViews(Protocol):
    """Read views of many tasks. Raises StoreUnavailable."""

    async def page(
        self, owner_id: OwnerId, before: TaskId | None, limit: int
    ) -> tuple[OwnedView, ...]:
        """Read those that go on or whose conversation is not archived, newest task first."""
        ...

    async def changed(
        self, known: Mapping[TaskId, int], owners: Sequence[OwnerId], after: TaskId
    ) -> tuple[OwnedView, ...]:
        """Read those past the known seqs, and all of the owners' tasks with ids past `after`."""
        ...

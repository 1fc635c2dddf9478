"""Stand-ins for conversations and for what deletes tasks."""

from collections.abc import AsyncGenerator, Collection
from datetime import datetime

from steersman.adapters.in_memory import InMemoryHints, InMemoryViewCache
from steersman.api.examples import CONVERSATION
from steersman.core.conversations import ConversationFilter
from steersman.core.errors import NotFound, TaskRunning
from steersman.core.events import JsonObject
from steersman.core.ids import ConversationId, OwnerId, TaskId
from steersman.core.ports import Page
from steersman.core.retention import DeletedTask, OldTrees, Removals
from steersman.core.tasks import FINAL_STATES
from tests.agent.api.fakes import InMemoryTasks


class PlayedConversations:
    """The conversation of the API's examples."""

    def __init__(self) -> None:
        self.asked: list[ConversationFilter] = []

    async def list(self, query: ConversationFilter) -> Page:
        self.asked.append(query)
        return Page((CONVERSATION,), "more")

    async def change(
        self,
        conversation_id: ConversationId,
        owner_id: OwnerId,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> JsonObject:
        if conversation_id != CONVERSATION["conversation_id"]:
            raise NotFound
        given = {"title": title, "archived": archived}
        return {**CONVERSATION, **{k: v for k, v in given.items() if v is not None}}


class PlayedRetention:
    """Deletes the tasks in memory."""

    def __init__(self, tasks: InMemoryTasks) -> None:
        self._tasks = tasks

    async def delete(self, task_id: TaskId, owner_id: OwnerId) -> tuple[DeletedTask, ...]:
        view = await self._tasks.view(task_id, owner_id)
        if view["state"] not in FINAL_STATES:
            raise TaskRunning
        del self._tasks.logs[task_id]
        return (DeletedTask(task_id, task_id, owner_id, "w", view["seq"], 1),)

    async def old(self, before: datetime) -> OldTrees:
        return OldTrees(0, 0, 0, 0)

    async def prune(self, before: datetime) -> AsyncGenerator[tuple[DeletedTask, ...]]:
        for nothing in tuple[tuple[DeletedTask, ...]]():
            yield nothing


class NoLeftovers:
    """A host that keeps nothing of tasks. It notes which workspaces it was asked to look at."""

    def __init__(self) -> None:
        self.asked: list[Collection[str] | None] = []

    async def clear(self, workspace_ids: Collection[str] | None = None) -> int:
        self.asked.append(workspace_ids)
        return 0


def played_removals(tasks: InMemoryTasks) -> Removals:
    """Put removals together over tasks in memory."""
    cache, hints = InMemoryViewCache(), InMemoryHints()
    return Removals(PlayedRetention(tasks), NoLeftovers(), cache, hints)

"""Workspaces that tasks have left behind: found, and kept from new tasks while they are cleared.

A row goes last, in the transaction that locked it: as long as files may be left, it is still
there to be found.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from steersman.adapters.postgres.pool import (
    Connection,
    OwnConnection,
    PostgresPool,
    connect,
)
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import to_workspace
from steersman.core.ids import TaskId
from steersman.core.ports import WorkspaceRef

_SQL = load_queries(Path(__file__).with_suffix(".sql"))
_LONGEST_HOLD = "SET LOCAL idle_in_transaction_session_timeout = '15min'"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A workspace without an unfinished task. `tasks` are those that still stand in the store.

    `was_a_conversations`: it was made for a conversation that is gone, and tasks worked in it.
    """

    ref: WorkspaceRef
    tasks: frozenset[TaskId]
    was_a_conversations: bool


class AbandonedWorkspaces:
    """The workspaces of one host, as somebody sees them who clears up behind tasks."""

    def __init__(self, pool: PostgresPool, host_id: str) -> None:
        self._pool = pool
        self._host_id = host_id

    async def unused(self, workspace_ids: Collection[str] | None = None) -> tuple[str, ...]:
        """Name those that no task uses any more, of all or of some."""
        some = None if workspace_ids is None else [UUID(each) for each in workspace_ids]
        rows = await self._pool.fetch(_SQL["unused"], self._host_id, some)
        return tuple(str(row["id"]) for row in rows)

    async def gone(self, task_ids: Sequence[TaskId]) -> frozenset[TaskId]:
        """Return those of the tasks that are not in the store."""
        rows = await self._pool.fetch(_SQL["gone"], [UUID(each) for each in task_ids])
        return frozenset(TaskId(str(row["id"])) for row in rows)

    @asynccontextmanager
    async def clearing(self) -> AsyncGenerator["Clearing"]:
        """Yield what locks workspaces, one after the other."""
        connection = await self._pool.run(lambda _: self._connect())
        try:
            yield Clearing(connection, self._host_id)
        finally:
            connection.terminate()

    async def _connect(self) -> OwnConnection:
        return await connect(self._pool.dsn, f"{self._pool.application}-clearing")


class Clearing:
    """Locks on workspaces, on a connection of their own: files are slow to remove."""

    def __init__(self, connection: OwnConnection, host_id: str) -> None:
        self._connection = connection
        self._host_id = host_id

    @asynccontextmanager
    async def locked(self, workspace_id: str) -> AsyncGenerator[Abandoned | None]:
        """Keep tasks out of a workspace; None when one is in it.

        At the end its row goes if no task uses it, unless the block raises.
        """
        # A task that was submitted meanwhile keeps the row; what was cleared is not the new one's.
        with suppress(asyncpg.ForeignKeyViolationError):
            async with self._connection.transaction():
                await self._connection.execute(_LONGEST_HOLD)
                abandoned = await _lock(self._connection, UUID(workspace_id), self._host_id)
                yield abandoned
                if abandoned is not None and not abandoned.tasks:
                    await self._connection.execute(_SQL["delete"], UUID(workspace_id))


async def _lock(connection: Connection, workspace_id: UUID, host_id: str) -> Abandoned | None:
    row = await connection.fetchrow(_SQL["lock"], workspace_id, host_id)
    if row is None:
        return None
    ref = to_workspace(row["id"], row)
    tasks = frozenset(
        TaskId(str(task["id"])) for task in await connection.fetch(_SQL["tasks"], workspace_id)
    )
    is_theirs = not tasks and await _was_a_conversations(connection, ref)
    return Abandoned(ref, tasks, is_theirs)


async def _was_a_conversations(connection: Connection, ref: WorkspaceRef) -> bool:
    """Tell a folder that a conversation got from one that a person has named or put."""
    if ref.path is not None or ref.fence == 0:
        return False
    try:
        conversation_id = UUID(ref.name)
    except ValueError:
        return False
    return not await connection.fetchval(_SQL["has_conversation"], conversation_id)

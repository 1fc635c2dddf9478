"""Tasks as the API, the CLI and watchers see them: submit, post, view, list, read the log."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import asyncpg

from steersman.adapters.postgres.approvals import keep_artifacts, rule, ruled
from steersman.adapters.postgres.cursors import cursor_of, read_cursor
from steersman.adapters.postgres.inboxes import lock_below, put
from steersman.adapters.postgres.pool import (
    DATABASE_ERRORS,
    Connection,
    OwnConnection,
    PostgresPool,
    connect,
    passes_by_itself,
)
from steersman.adapters.postgres.rows import (
    from_json,
    request_uuid,
    task_uuid,
    to_envelope,
    to_workspace,
)
from steersman.adapters.postgres.submit import SQL, find_workspace, insert_task, keep_command
from steersman.core.commands import StopTask, reaches_below
from steersman.core.errors import StoreUnavailable, TaskEnded, TaskNotFound, WorkspaceBusy
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.ledger import inbox_topic
from steersman.core.ports import (
    Hints,
    Page,
    Posted,
    Posting,
    Submission,
    TaskFilter,
    WorkspaceRef,
)

_LONGEST_HOLD = "SET LOCAL idle_in_transaction_session_timeout = '15min'"


class PostgresTaskStore:
    """The port TaskStore. `hints` wakes the worker whose task a submission interrupts."""

    def __init__(self, pool: PostgresPool, host_id: str, *, hints: Hints | None = None) -> None:
        self._pool = pool
        self._host_id = host_id
        self._hints = hints

    async def submit(self, submission: Submission) -> JsonObject:
        """Write a task down; it is accepted when this returns."""
        answer, interrupted = await self._pool.transaction(
            lambda connection: insert_task(connection, submission, self._host_id)
        )
        if interrupted is not None and self._hints is not None:
            await self._hints.publish(inbox_topic(interrupted))
        return answer

    async def post(self, posting: Posting) -> Posted:
        """Put a command into one inbox or those of a tree; it is accepted when this returns."""
        return await self._pool.transaction(lambda connection: _post(connection, posting))

    async def view(self, task_id: TaskId, owner_id: OwnerId) -> JsonObject:
        """Read a view as of the last commit."""
        row = await self._pool.fetchrow(SQL["view"], task_uuid(task_id), owner_id)
        if row is None:
            raise TaskNotFound
        return _view(row)

    async def tree(self, task_id: TaskId, owner_id: OwnerId) -> tuple[JsonObject, ...]:
        """Read the views of a task and of all below it, parents first."""
        rows = await self._pool.fetch(SQL["tree"], task_uuid(task_id), owner_id)
        if not rows:
            raise TaskNotFound
        return tuple(_view(row) for row in rows)

    async def list(self, query: TaskFilter) -> Page:
        """Read one page of views, newest first."""
        conversation_id = query.conversation_id
        rows = await self._pool.fetch(
            SQL["list"],
            query.owner_id,
            list(query.states),
            request_uuid("conversation_id", conversation_id) if conversation_id else None,
            read_cursor(query.cursor) if query.cursor else None,
            query.limit + 1,
        )
        page = rows[: query.limit]
        return Page(
            items=tuple(_view(row) for row in page),
            next_cursor=cursor_of(page[-1]["id"]) if len(rows) > query.limit else None,
        )

    async def events(self, task_id: TaskId, after: int, limit: int) -> tuple[Envelope, ...]:
        """Read the log past `after`."""
        rows = await self._pool.fetch(SQL["events_after"], task_uuid(task_id), after, limit)
        return tuple(to_envelope(task_id, row) for row in rows)

    async def new_events(self, after: Mapping[TaskId, int], limit: int) -> tuple[Envelope, ...]:
        """Read the logs of several tasks, each past its own cursor."""
        task_ids = [task_uuid(task_id) for task_id in after]
        rows = await self._pool.fetch(SQL["new_events"], task_ids, list(after.values()), limit)
        return tuple(to_envelope(TaskId(str(row["task_id"])), row) for row in rows)

    async def gone(self, task_ids: Sequence[TaskId]) -> tuple[TaskId, ...]:
        """Look for the tasks themselves, which costs an index's entry for each."""
        rows = await self._pool.fetch(SQL["gone"], [task_uuid(task_id) for task_id in task_ids])
        return tuple(TaskId(str(row["id"])) for row in rows)

    async def read_artifact(self, task_id: TaskId, name: str) -> bytes | None:
        """Read what was too long for an event."""
        row = await self._pool.fetchrow(SQL["artifact"], task_uuid(task_id), name)
        return row["bytes"] if row else None

    async def workspace_of(self, task_id: TaskId) -> WorkspaceRef:
        """Read where a task works."""
        row = await self._pool.fetchrow(SQL["workspace_of"], task_uuid(task_id))
        if row is None:
            raise TaskNotFound
        return to_workspace(row["id"], row)

    def exclusive_workspace(
        self, owner_id: OwnerId, name: str
    ) -> AbstractAsyncContextManager[WorkspaceRef]:
        """Lock the workspace's row, which claims pass over, on a connection of its own."""
        return self._exclusive_workspace(owner_id, name)

    @asynccontextmanager
    async def _exclusive_workspace(
        self, owner_id: OwnerId, name: str
    ) -> AsyncGenerator[WorkspaceRef]:
        await self._pool.run(
            lambda connection: find_workspace(connection, owner_id, name, host_id=self._host_id)
        )
        connection = await self._connect()
        try:
            yield await _lock_workspace(connection, owner_id, name)
            if connection.is_closed():
                raise StoreUnavailable
        finally:
            # Nothing was written; whoever comes next must not find the lock still there.
            with suppress(*DATABASE_ERRORS):
                await connection.execute("ROLLBACK")
            connection.terminate()

    async def _connect(self) -> OwnConnection:
        try:
            return await connect(self._pool.dsn, f"{self._pool.application}-workspace")
        except DATABASE_ERRORS as error:
            if passes_by_itself(error):
                raise StoreUnavailable from error
            raise


async def _lock_workspace(connection: Connection, owner_id: OwnerId, name: str) -> WorkspaceRef:
    await connection.execute("BEGIN")
    await connection.execute(_LONGEST_HOLD)
    try:
        row = await connection.fetchrow(SQL["lock_workspace"], owner_id, name)
    except asyncpg.LockNotAvailableError as error:
        raise WorkspaceBusy from error
    if row is None or row["holder_task_id"] is not None:
        raise WorkspaceBusy
    return to_workspace(row["id"], row)


async def _post(connection: Connection, posting: Posting) -> Posted:
    task_id = task_uuid(posting.task_id)
    task = await connection.fetchrow(SQL["lock_task"], task_id, posting.owner_id)
    if task is None:
        raise TaskNotFound
    answer = _answer(posting, task["state"])
    before = await keep_command(
        connection,
        posting.owner_id,
        posting.command_id,
        task_id=task_id,
        request_hash=posting.request_hash,
        answer=answer,
    )
    if before is not None:
        return Posted(before, (posting.task_id,))
    reached = [task_id]
    if not task["final"]:
        if posting.ruling is not None:
            await rule(connection, task_id, posting, posting.ruling)
        await keep_artifacts(connection, task_id, posting.artifacts)
        if reaches_below(posting.command):
            reached += await lock_below(connection, task_id)
        await put(connection, reached, posting.command_id, posting.command, posting.owner_id)
    elif not isinstance(posting.command, StopTask):
        raise TaskEnded
    return Posted(answer, tuple(TaskId(str(one)) for one in reached))


def _answer(posting: Posting, state: str) -> JsonObject:
    if posting.ruling is not None:
        return ruled(posting, posting.ruling)
    return {"command_id": posting.command_id, "state": state}


def _view(row: asyncpg.Record) -> JsonObject:
    return {**from_json(row["view"]), "size_bytes": row["size_bytes"]}

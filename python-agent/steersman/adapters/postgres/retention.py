"""The end of a log: whole trees that have ended are deleted, old months of events are dropped.

Events go through the function `delete_ended_trees` only, which acts as a role of its own; see
migration 0003. Each batch is a transaction, so an interrupted run has done a part and the next
one does the rest. A month whose tasks may all go loses them first and its partition after that:
its events are never deleted one by one.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from steersman.adapters.postgres.partitions import lowest_id, month_after
from steersman.adapters.postgres.pool import Connection, PostgresPool, connect
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import task_uuid
from steersman.core.errors import Invalid, TaskNotFound, TaskRunning
from steersman.core.ids import OwnerId, TaskId
from steersman.core.retention import DeletedTask, OldTrees

_SQL = load_queries(Path(__file__).with_suffix(".sql"))
_BATCH_TREES = 100
_BATCH_EVENTS = 20_000
_BATCH_TIME = timedelta(minutes=5)
"""One tree may be larger than any batch should be."""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Month:
    """A partition of the log, and the ids that are in it."""

    name: str
    start: UUID
    stop: UUID

    @classmethod
    def of(cls, name: str) -> "_Month":
        year, month = name.split("_")[1:]
        start = datetime(int(year), int(month), 1, tzinfo=UTC)
        return cls(name, lowest_id(start), lowest_id(month_after(start, 1)))


class PostgresRetention:
    """The port Retention."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def delete(self, task_id: TaskId, owner_id: OwnerId) -> tuple[DeletedTask, ...]:
        """Delete the tree of a root task that has ended, with all that is kept of it."""

        async def delete(connection: Connection) -> tuple[DeletedTask, ...]:
            task = await connection.fetchrow(_SQL["whole_tree"], task_uuid(task_id), owner_id)
            if task is None:
                raise TaskNotFound
            if not task["is_root"]:
                raise Invalid(f"This task is a part of {task['root_id']}: delete that one.")
            deleted = await _delete(connection, [task_uuid(task_id)], ())
            if not deleted:
                raise TaskRunning
            return deleted

        return await self._pool.transaction(delete)

    async def old(self, before: datetime) -> OldTrees:
        """Count what `prune` would delete."""
        trees = tasks = events = size = 0
        after: UUID | None = _FIRST
        while after is not None:
            rows = await self._old_roots(before, after)
            trees += len(rows)
            tasks += sum(row["tasks"] for row in rows)
            events += sum(row["events"] for row in rows)
            size += sum(row["bytes"] for row in rows)
            after = rows[-1]["id"] if rows else None
        return OldTrees(trees, tasks, events, size)

    async def prune(self, before: datetime) -> AsyncGenerator[tuple[DeletedTask, ...]]:
        """Delete the trees that ended before a moment; yield each batch after its commit."""
        dropped = await self._months_that_go(before)
        after = _FIRST
        while rows := await self._old_roots(before, after):
            roots = [row["id"] for row in rows]
            yield await self._pool.transaction(
                lambda connection, roots=roots: _delete(connection, roots, dropped),
                patience=_BATCH_TIME,
            )
            after = roots[-1]
        for month in dropped:
            await self._drop(month)

    async def _old_roots(self, before: datetime, after: UUID) -> Sequence[asyncpg.Record]:
        return await self._pool.fetch(
            _SQL["old_roots"], before, after, lowest_id(before), _BATCH_TREES, _BATCH_EVENTS
        )

    async def _months_that_go(self, before: datetime) -> list[_Month]:
        """Find the whole months before a moment in which no task must stay."""
        rows = await self._pool.fetch(_SQL["months"])
        found = [_Month.of(row["name"]) for row in rows if row["is_ours"]]
        past = [month for month in found if month.stop <= lowest_id(before)]
        return [month for month in past if not await self._keeps_any(before, month)]

    async def _keeps_any(self, before: datetime, month: _Month) -> bool:
        row = await self._pool.fetchrow(_SQL["keeps_any"], before, month.start, month.stop)
        return row is not None and row[0]

    async def _drop(self, month: _Month) -> None:
        """Drop a month's partition without keeping writers of the log out."""
        connection = await connect(self._pool.dsn, f"{self._pool.application}-retention")
        try:
            await connection.execute(f"SET statement_timeout = {_milliseconds(_BATCH_TIME)}")
            if not await connection.fetchval(_SQL["is_empty"], month.start, month.stop):
                return  # a tree was passed over: the next run drops it
            await _detach(connection, month.name)
            await connection.execute(f"DROP TABLE {month.name}")
        finally:
            connection.terminate()


async def _detach(connection: Connection, name: str) -> None:
    detach = f"ALTER TABLE events DETACH PARTITION {name}"
    try:
        await connection.execute(f"{detach} CONCURRENTLY", timeout=_BATCH_TIME.total_seconds())
    except asyncpg.ObjectNotInPrerequisiteStateError:
        # An earlier run was cut in the middle of it.
        await connection.execute(f"{detach} FINALIZE")


async def _delete(
    connection: Connection, roots: Sequence[UUID], dropped: Sequence[_Month]
) -> tuple[DeletedTask, ...]:
    await connection.execute(f"SET LOCAL statement_timeout = {_milliseconds(_BATCH_TIME)}")
    rows = await connection.fetch(
        _SQL["delete"],
        list(roots),
        [month.start for month in dropped],
        [month.stop for month in dropped],
        timeout=_BATCH_TIME.total_seconds(),
    )
    return tuple(
        DeletedTask(
            task_id=TaskId(str(row["task"])),
            root_id=TaskId(str(row["root"])),
            owner_id=OwnerId(row["owner"]),
            workspace_id=str(row["workspace"]),
            events=row["event_count"],
            size_bytes=row["bytes"],
        )
        for row in rows
    )


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)

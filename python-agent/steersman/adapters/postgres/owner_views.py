"""The views of all tasks of a person, and those that have changed, of many people at once."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import asyncpg

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import from_json, task_uuid
from steersman.core.ids import OwnerId, TaskId
from steersman.core.owner_views import OwnedView

_SQL = load_queries(Path(__file__).with_suffix(".sql"))


class PostgresOwnerViews:
    """The port OwnerViews."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def page(
        self, owner_id: OwnerId, before: TaskId | None, limit: int
    ) -> tuple[OwnedView, ...]:
        """Read those that go on or whose conversation is not archived, newest task first."""
        last = None if before is None else task_uuid(before)
        return _views(await self._pool.fetch(_SQL["page"], owner_id, last, limit))

    async def changed(
        self, known: Mapping[TaskId, int], owners: Sequence[OwnerId], after: TaskId
    ) -> tuple[OwnedView, ...]:
        """Read those past the known seqs, and all of the owners' tasks with ids past `after`."""
        task_ids = [task_uuid(task_id) for task_id in known]
        rows = await self._pool.fetch(
            _SQL["changed"], task_ids, list(known.values()), list(owners), task_uuid(after)
        )
        return _views(rows)


def _views(rows: Iterable[asyncpg.Record]) -> tuple[OwnedView, ...]:
    return tuple(
        OwnedView(
            OwnerId(row["owner_id"]),
            {**from_json(row["view"]), "size_bytes": row["size_bytes"]},
        )
        for row in rows
    )

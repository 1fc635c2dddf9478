"""Conversations as people list and change them, and as the next task is told of them."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.core.conversation import Earlier, EarlierTask
from steersman.core.conversations import ConversationFilter
from steersman.core.errors import Invalid, NotFound
from steersman.core.events import JsonObject, format_time
from steersman.core.ids import ConversationId, OwnerId
from steersman.core.ports import Page

_SQL = load_queries(Path(__file__).with_suffix(".sql"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES = 8


class PostgresConversations:
    """The port Conversations."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def list(self, query: ConversationFilter) -> Page:
        """Read one page. A conversation that is used meanwhile moves to the first page."""
        at, last = _read_cursor(query.cursor) if query.cursor else (None, None)
        rows = await self._pool.fetch(
            _SQL["list"], query.owner_id, query.archived, at, last, query.limit + 1
        )
        page = rows[: query.limit]
        more = len(rows) > query.limit
        return Page(
            items=tuple(_to_wire(row) for row in page),
            next_cursor=_cursor(page[-1]) if more else None,
        )

    async def change(
        self,
        conversation_id: ConversationId,
        owner_id: OwnerId,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> JsonObject:
        """Set what is given; neither counts as activity."""
        row = await self._pool.fetchrow(
            _SQL["change"], _uuid(conversation_id), owner_id, title, archived
        )
        if row is None:
            raise NotFound
        return _to_wire(row)


def to_earlier(rows: Sequence[asyncpg.Record]) -> Earlier:
    """Read `goal, state, result, error, messages, ended_before`, the newest task first."""
    tasks = [
        EarlierTask(
            goal=row["goal"] or "",
            state=row["state"],
            outcome=row["result"] or row["error"] or "",
            messages=tuple(row["messages"]),
        )
        for row in reversed(rows)
    ]
    return Earlier(tuple(tasks), rows[0]["ended_before"] if rows else 0)


def _to_wire(row: asyncpg.Record) -> JsonObject:
    active = row["active_task_id"]
    return {
        "conversation_id": str(row["id"]),
        "title": row["title"],
        "archived": row["archived"],
        "active_task_id": str(active) if active else None,
        "task_count": row["task_count"],
        "created_at": format_time(row["created_at"]),
        "updated_at": format_time(row["updated_at"]),
    }


def _uuid(conversation_id: str) -> UUID:
    try:
        return UUID(conversation_id)
    except ValueError as error:
        raise NotFound from error


def _cursor(row: asyncpg.Record) -> str:
    microseconds = (row["updated_at"] - _EPOCH) // timedelta(microseconds=1)
    place = microseconds.to_bytes(_TIME_BYTES, "big") + row["id"].bytes
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        place = base64.urlsafe_b64decode(cursor + "==")
        microseconds = int.from_bytes(place[:_TIME_BYTES], "big")
        return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=place[_TIME_BYTES:])
    except (ValueError, binascii.Error, OverflowError) as error:
        raise Invalid("The cursor is not one of ours.") from error

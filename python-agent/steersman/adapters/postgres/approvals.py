"""Approvals as people see and decide them. Who decides second is told so."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import asyncpg

from steersman.adapters.postgres.cursors import cursor_of, read_cursor
from steersman.adapters.postgres.pool import Connection, PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import from_json, request_uuid
from steersman.core.approval_desk import ApprovalFilter
from steersman.core.approvals import Ruling
from steersman.core.commands import DecideApproval
from steersman.core.errors import ApprovalChanged, ApprovalDecided, ApprovalNotFound
from steersman.core.events import JsonObject, format_time
from steersman.core.ids import ApprovalId, OwnerId
from steersman.core.ports import Page, Posting

SQL = load_queries(Path(__file__).with_suffix(".sql"))

_RULED = {"approve": "approved", "reject": "rejected"}


class PostgresApprovalStore:
    """The port ApprovalStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def approval(self, approval_id: ApprovalId, owner_id: OwnerId) -> JsonObject:
        """Read one approval as of the last commit."""
        row = await self._pool.fetchrow(SQL["approval"], _approval_uuid(approval_id), owner_id)
        if row is None:
            raise ApprovalNotFound
        return _to_wire(row)

    async def list(self, query: ApprovalFilter) -> Page:
        """Read one page, newest first."""
        rows = await self._pool.fetch(
            SQL["list"],
            query.owner_id,
            list(query.states),
            request_uuid("root_id", query.root_id) if query.root_id else None,
            read_cursor(query.cursor) if query.cursor else None,
            query.limit + 1,
        )
        page = rows[: query.limit]
        more = len(rows) > query.limit
        return Page(
            items=tuple(_to_wire(row) for row in page),
            next_cursor=cursor_of(page[-1]["id"]) if more else None,
        )


async def rule(connection: Connection, task_id: UUID, posting: Posting, ruling: Ruling) -> None:
    """Take a decision if nobody has; its task's row is locked.

    Raises ApprovalDecided and ApprovalChanged.
    """
    command = posting.command
    assert isinstance(command, DecideApproval), "a ruling comes with its command"
    approval_id = _approval_uuid(ruling.approval_id)
    tool = await connection.fetchval(
        SQL["rule"],
        approval_id,
        task_id,
        ruling.shown_sha256,
        _RULED[command.decision],
        posting.owner_id,
        command.remember,
    )
    if tool is None:
        row = await connection.fetchrow(SQL["approval"], approval_id, posting.owner_id)
        if row is None:
            raise ApprovalNotFound
        changed = row["arguments_sha256"] != ruling.shown_sha256
        raise ApprovalChanged if changed and row["now"] == "pending" else ApprovalDecided
    await keep_artifacts(connection, task_id, ruling.artifacts)
    if ruling.remembered is not None:
        who = (posting.owner_id, approval_id)
        await connection.execute(SQL["remember"], task_id, tool, ruling.remembered, *who)


async def keep_artifacts(
    connection: Connection, task_id: UUID, artifacts: Mapping[str, bytes]
) -> None:
    """Keep what people wrote and is too long for an event, in the transaction that accepts it."""
    if artifacts:
        names, texts = list(artifacts), list(artifacts.values())
        await connection.execute(SQL["keep_artifacts"], task_id, names, texts)


def ruled(posting: Posting, ruling: Ruling) -> JsonObject:
    """Return the answer to a decision."""
    command = posting.command
    assert isinstance(command, DecideApproval), "a ruling comes with its command"
    return {
        "command_id": posting.command_id,
        "approval_id": ruling.approval_id,
        "task_id": posting.task_id,
        "state": _RULED[command.decision],
    }


def _approval_uuid(approval_id: str) -> UUID:
    try:
        return UUID(approval_id)
    except ValueError as error:
        raise ApprovalNotFound from error


def _to_wire(row: asyncpg.Record) -> JsonObject:
    decided_at = row["decided_at"]
    return {
        "approval_id": str(row["id"]),
        "task_id": str(row["task_id"]),
        "root_id": str(row["root_id"]),
        "role": row["role"],
        "tool": row["tool"],
        "arguments": from_json(row["arguments"]),
        "arguments_sha256": row["arguments_sha256"],
        "reason": row["reason"],
        "state": row["now"],
        "requested_at": format_time(row["requested_at"]),
        "expires_at": format_time(row["expires_at"]),
        "decided_by": row["decided_by"],
        "decided_at": format_time(decided_at) if decided_at else None,
        "remember": row["remember"],
    }

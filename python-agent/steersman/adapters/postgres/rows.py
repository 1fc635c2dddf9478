"""Between rows and the values of the core: identifiers, JSON, envelopes."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from steersman.core.approving import ApprovalRow
from steersman.core.commands import InboxEntry, parse_command
from steersman.core.errors import Invalid, TaskNotFound
from steersman.core.events import Envelope, JsonObject, event_payload, parse_event
from steersman.core.ids import CommandId, OwnerId, TaskId
from steersman.core.ports import WorkspaceRef

CONTRACT_VERSION = 1
"""The newest contract that this version can work on.

Every commit writes it to its task, which only workers of that version or a later one claim from
then on. So in a rolling upgrade an old worker leaves alone what a new one has begun.

When to raise it: with a release whose logs workers of the release before cannot act on: a new type
of event, a new command, a new value that decisions read, a checkpoint that they would misread. Not
for a new field with a default that they may ignore. A release that raises it cannot be taken back
for tasks that it has worked on. It is 1 for all that came before the first release.
"""


def to_json(value: JsonObject) -> str:
    """Write JSON for a `json` column, keys in their order."""
    return orjson.dumps(value).decode()


def from_json(text: str) -> JsonObject:
    """Read an object from a `json` column."""
    return orjson.loads(text)


def task_uuid(task_id: str) -> UUID:
    """Return the id as the database holds it; raises TaskNotFound when it is none."""
    try:
        return UUID(task_id)
    except ValueError as error:
        raise TaskNotFound from error


def request_uuid(name: str, value: str) -> UUID:
    """Return an id that a request brought; raises Invalid when it is none."""
    try:
        return UUID(value)
    except ValueError as error:
        raise Invalid(f"{name} is not a UUID.") from error


def envelope_columns(envelopes: Iterable[Envelope]) -> tuple[list[Any], ...]:
    """Turn events into columns: seq, epoch, type, command_id, payload, at."""
    rows = [
        (e.seq, e.epoch, e.event.type, e.command_id, to_json(event_payload(e.event)), e.at)
        for e in envelopes
    ]
    return tuple(list(column) for column in zip(*rows, strict=True)) or ([], [], [], [], [], [])


def approval_columns(rows: Iterable[ApprovalRow]) -> tuple[str, str]:
    """Turn approvals into two JSON arrays: those that are new, and those that change."""
    arrays: tuple[list[JsonObject], list[JsonObject]] = ([], [])
    for row in rows:
        state: JsonObject = {
            "id": row.approval_id,
            "state": row.state,
            "decided_by": row.decided_by,
            "decided_at": row.decided_at,
            "remember": row.remember,
        }
        if row.request is None:
            arrays[1].append(state)
        else:
            request = row.request.model_dump(mode="json")
            arrays[0].append({**request, **state, "requested_at": row.requested_at})
    new, changed = (orjson.dumps(array).decode() for array in arrays)
    return new, changed


def to_envelope(task_id: TaskId, row: asyncpg.Record) -> Envelope:
    """Read an event back."""
    return Envelope(
        task_id=task_id,
        seq=row["seq"],
        at=row["at"],
        epoch=row["epoch"],
        event=parse_event(row["type"], from_json(row["payload"])),
        command_id=row["command_id"],
    )


def to_inbox_entry(row: asyncpg.Record) -> InboxEntry:
    """Read a command back."""
    return InboxEntry(
        n=row["n"],
        command_id=CommandId(row["command_id"]),
        command=parse_command(from_json(row["payload"])),
        author=OwnerId(row["author"]),
    )


def to_workspace(workspace_id: UUID, row: asyncpg.Record) -> WorkspaceRef:
    """Read `owner_id, name, path, fence`."""
    return WorkspaceRef(
        workspace_id=str(workspace_id),
        owner_id=OwnerId(row["owner_id"]),
        name=row["name"],
        path=row["path"],
        fence=row["fence"],
    )

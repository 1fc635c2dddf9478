"""A new task, in one transaction: the command, the conversation, the workspace, the first event."""

from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import asyncpg

from steersman.adapters.postgres.approvals import keep_artifacts
from steersman.adapters.postgres.pool import Connection
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import (
    CONTRACT_VERSION,
    envelope_columns,
    from_json,
    request_uuid,
    to_json,
)
from steersman.core.commands import StopTask
from steersman.core.conversation import TITLE_CHARACTERS
from steersman.core.errors import CommandConflict, ConversationBusy, Invalid, NotFound
from steersman.core.events import JsonObject, TaskSubmitted
from steersman.core.ids import CommandId, OwnerId, TaskId
from steersman.core.ports import Submission
from steersman.core.text import shorten

SQL = load_queries(Path(__file__).with_name("tasks.sql"))


async def keep_command(
    connection: Connection,
    owner_id: OwnerId,
    command_id: CommandId,
    *,
    task_id: UUID,
    request_hash: str,
    answer: JsonObject,
) -> JsonObject | None:
    """Write down that a command is accepted. Return the answer that it had before, if it had one.

    Raises CommandConflict when the id stands for another request.
    """
    kept = await connection.fetchval(
        SQL["keep_command"], owner_id, command_id, task_id, request_hash, to_json(answer)
    )
    if kept:
        return None
    before = await connection.fetchrow(SQL["kept_command"], owner_id, command_id)
    if before is None or before["request_hash"] != request_hash:
        raise CommandConflict
    return from_json(before["answer"])


async def insert_task(
    connection: Connection, submission: Submission, host_id: str
) -> tuple[JsonObject, TaskId | None]:
    """Write a submission down. Return the answer, and the task that it asked to stop."""
    task_id, answer = UUID(submission.first.task_id), _answer(submission)
    before = await keep_command(
        connection,
        submission.owner_id,
        submission.command_id,
        task_id=task_id,
        request_hash=submission.request_hash,
        answer=answer,
    )
    if before is not None:
        return before, None
    conversation = await _enter_conversation(connection, submission)
    workspace_id = await _workspace(connection, submission, host_id)
    await _insert_task(connection, submission, workspace_id, conversation)
    active = conversation["active_task_id"]
    if active is None:
        conversation_id = request_uuid("conversation_id", submission.conversation_id)
        await connection.execute(SQL["activate"], conversation_id, task_id)
    elif submission.on_busy == "interrupt":
        return answer, await _stop(connection, active, submission.owner_id)
    return answer, None


def _answer(submission: Submission) -> JsonObject:
    return {
        "task_id": submission.first.task_id,
        "conversation_id": submission.conversation_id,
        "seq": submission.first.seq,
        "state": submission.view["state"],
    }


async def _enter_conversation(connection: Connection, submission: Submission) -> asyncpg.Record:
    """Lock the conversation, made if need be, and return how it stands."""
    conversation_id = request_uuid("conversation_id", submission.conversation_id)
    submitted = cast(TaskSubmitted, submission.first.event)
    title = shorten(submitted.goal, TITLE_CHARACTERS)
    row = await connection.fetchrow(
        SQL["enter_conversation"], conversation_id, submission.owner_id, title
    )
    if row is None:
        raise NotFound
    if row["active_task_id"] is not None and submission.on_busy == "reject":
        raise ConversationBusy
    return row


async def _workspace(connection: Connection, submission: Submission, host_id: str) -> UUID:
    path = submission.workspace_path
    row = await find_workspace(
        connection, submission.owner_id, submission.workspace, path=path, host_id=host_id
    )
    if row["path"] != path:
        raise Invalid(f"The workspace {submission.workspace!r} is another directory already.")
    return row["id"]


async def find_workspace(
    connection: Connection, owner_id: OwnerId, name: str, *, host_id: str, path: str | None = None
) -> asyncpg.Record:
    """Return the row of a workspace, made if need be. A directory belongs to this host."""
    bound_to = host_id if path is not None else None
    row = None
    while row is None:
        await connection.execute(SQL["make_workspace"], owner_id, name, path, bound_to)
        row = await connection.fetchrow(SQL["workspace"], owner_id, name)
    return row


async def _insert_task(
    connection: Connection, submission: Submission, workspace_id: UUID, conversation: asyncpg.Record
) -> None:
    first = submission.first
    submitted = cast(TaskSubmitted, first.event)
    task_id = UUID(first.task_id)
    [(seq, epoch, kind, command_id, payload, at)] = zip(*envelope_columns([first]), strict=True)
    await connection.execute(
        SQL["make_task"],
        task_id,
        submission.owner_id,
        UUID(submission.conversation_id),
        UUID(submitted.parent_id) if submitted.parent_id else None,
        UUID(submitted.root_id),
        submitted.role,
        workspace_id,
        CONTRACT_VERSION,
        submission.view["state"],
        first.seq,
        to_json(submission.view),
        first.at,
        conversation["active_task_id"] is None,
        payload,
        conversation["ended_count"],
        submission.on_busy == "interrupt",
    )
    event = (task_id, seq, epoch, kind, command_id, payload, at, uuid4())
    await connection.execute(SQL["make_event"], *event)
    await keep_artifacts(connection, task_id, submission.artifacts)


async def _stop(connection: Connection, active: UUID, owner_id: OwnerId) -> TaskId:
    stop = StopTask(reason="Another task was asked for in its place.")
    payload = to_json(stop.model_dump(mode="json"))
    await connection.execute(SQL["post"], active, str(uuid4()), payload, owner_id)
    return TaskId(str(active))

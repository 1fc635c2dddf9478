"""Commands into inboxes: of one task, or of a task and all below it, locked from above."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from steersman.adapters.postgres.pool import Connection
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import to_json
from steersman.core.commands import InboxCommand
from steersman.core.ids import CommandId

_SQL = load_queries(Path(__file__).with_name("tasks.sql"))


async def lock_below(connection: Connection, task_id: UUID) -> list[UUID]:
    """Lock what lives below a task whose own row is locked; return it, parents first.

    Level by level: a task that is locked gains no children.
    """
    found: list[UUID] = []
    level = [task_id]
    while level:
        rows = await connection.fetch(_SQL["lock_below"], level)
        level = [row["id"] for row in rows]
        found += level
    return found


async def put(
    connection: Connection,
    task_ids: Iterable[UUID],
    command_id: CommandId,
    command: InboxCommand,
    author: str,
) -> None:
    """Put a command into the inboxes of those of the tasks that have not ended."""
    payload = to_json(command.model_dump(mode="json"))
    for task_id in task_ids:
        await connection.execute(_SQL["post"], task_id, command_id, payload, author)

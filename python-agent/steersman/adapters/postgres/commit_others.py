"""Commits that are about other tasks too: children, commands for them, the report to a parent.

Locks go from the conversation to the parent to the child, for everybody. What stands beside the
log is written with it or not at all, so a commit that is found done has nothing left to do.
"""

from dataclasses import dataclass
from uuid import UUID

from steersman.adapters.postgres.commit import SQL, commit_found, write
from steersman.adapters.postgres.inboxes import lock_below, put
from steersman.adapters.postgres.pool import Connection
from steersman.adapters.postgres.rows import CONTRACT_VERSION, to_json
from steersman.adapters.postgres.submit import SQL as TASKS_SQL
from steersman.core.commands import reaches_below
from steersman.core.delegation import ChildPost, NewChild, author_of
from steersman.core.events import TaskSubmitted, event_payload
from steersman.core.ports import Decision


@dataclass(frozen=True, slots=True)
class Committed:
    """The task's `size_bytes`, and whether its conversation went on to another task."""

    size_bytes: int
    handed_over: bool = False


def concerns_others(decision: Decision) -> bool:
    """Say whether a commit needs a transaction of several statements."""
    return bool(decision.final or decision.children or decision.posts)


async def commit_with_others(connection: Connection, decision: Decision) -> Committed:
    """Commit everything that a decision brings, within the caller's transaction."""
    task_id = UUID(decision.claim.task_id)
    if decision.report is not None:
        await connection.execute(SQL["lock_parent"], task_id)
    elif decision.final:
        # As a submission does: neither can miss the other.
        await connection.execute(SQL["lock_conversation"], task_id)
    size = await write(connection, decision)
    if size is None:
        size = await commit_found(connection, decision)
    else:
        await _tell_others(connection, task_id, decision)
    if not decision.final:
        return Committed(size)
    await connection.execute(SQL["number_the_end"], task_id)
    return Committed(size, await connection.fetchval(SQL["hand_over"], task_id) is not None)


async def _tell_others(connection: Connection, task_id: UUID, decision: Decision) -> None:
    for child in decision.children:
        await _insert(connection, task_id, child)
    for post in decision.posts:
        await _post(connection, post, author_of(decision.claim.task_id))
    if (said := decision.report) is not None:
        parent = (UUID(said.parent_id),)
        await put(connection, parent, said.command_id, said.command, said.author)


async def _insert(connection: Connection, parent_id: UUID, child: NewChild) -> None:
    first = child.first
    submitted = first.event
    assert isinstance(submitted, TaskSubmitted)
    payload, view = to_json(event_payload(submitted)), to_json(child.view)
    await connection.execute(
        SQL["make_child"],
        parent_id,
        UUID(first.task_id),
        submitted.role,
        CONTRACT_VERSION,
        child.view["state"],
        view,
        first.at,
        payload,
    )
    task_id = UUID(first.task_id)
    event = (task_id, first.seq, first.epoch, submitted.type, None, payload, first.at, task_id)
    await connection.execute(TASKS_SQL["make_event"], *event)


async def _post(connection: Connection, post: ChildPost, author: str) -> None:
    reached = [UUID(post.child_id)]
    if reaches_below(post.command):
        await connection.execute(SQL["lock_child"], reached[0])
        reached += await lock_below(connection, reached[0])
    await put(connection, reached, post.command_id, post.command, author)

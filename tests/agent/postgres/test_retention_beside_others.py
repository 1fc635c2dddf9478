"""Pruning and deleting beside workers, people and roles that may less."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from steersman.adapters.postgres.retention import PostgresRetention
from steersman.core.clock import new_id
from steersman.core.ids import OwnerId, TaskId, uuid7
from tests.agent.postgres.making import (
    CLOCK,
    ME,
    ROLES,
    Store,
    claimed,
    decision,
    ending,
    message,
    opened,
    submission,
    submitted,
)

pytestmark = pytest.mark.slow  # waits for locks

SOMEBODY = OwnerId("somebody")
TABLES = ("tasks", "events", "inbox", "commands", "artifacts", "approvals", "conversations")


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        await store.alive("worker-1", seconds=600)
        yield store


@pytest.fixture
def retention(store: Store) -> PostgresRetention:
    return PostgresRetention(store.pool)


async def ended(store: Store) -> TaskId:
    """Make a task that has all that a task can have, and let it end."""
    claim = await claimed(store)
    await store.tasks.post(message(claim.task_id))
    await store.journal().commit(replace(decision(claim), artifacts={"a": b"long"}))
    await store.journal().commit(replace(ending(claim, version=2), inbox_done=1))
    return claim.task_id


async def age(store: Store, task_id: TaskId, months: int = 3) -> None:
    await store.pool.fetch(
        "UPDATE tasks SET updated_at = now() - make_interval(months => $2) WHERE root_id = $1",
        UUID(task_id),
        months,
    )


async def counts(store: Store) -> dict[str, int]:
    rows = {table: await store.pool.fetch(f"SELECT count(*) FROM {table}") for table in TABLES}
    return {table: row[0][0] for table, row in rows.items()}


async def past(store: Store, at: datetime, *, final: bool = True) -> TaskId:
    """Make a task of another month, with a log of two events."""
    template = await ended(store)
    task_id = TaskId(uuid7(at + timedelta(hours=1), UUID(template).bytes[:10]))
    await store.pool.fetch(
        "INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id,"
        " contract_version, state, final, version, view, updated_at) SELECT $1, owner_id,"
        " conversation_id, $1, role, workspace_id, 1, state, $4, 2, view, $3"
        " FROM tasks WHERE id = $2",
        UUID(task_id),
        UUID(template),
        at + timedelta(hours=2),
        final,
    )
    await store.pool.fetch("UPDATE conversations SET task_count = task_count + 1")
    await store.pool.fetch(
        "INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)"
        " SELECT $1, n, 0, 'x', gen_random_uuid(), '{}', now() FROM generate_series(1, 2) AS n",
        UUID(task_id),
    )
    return task_id


async def test_pruning_goes_on_where_it_was_interrupted(
    store: Store, retention: PostgresRetention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steersman.adapters.postgres.retention._BATCH_TREES", 2)
    for _ in range(5):
        await age(store, await ended(store))
    now = datetime.now(UTC) + timedelta(seconds=1)
    interrupted = retention.prune(now)
    assert len(await anext(interrupted)) == 2
    await interrupted.aclose()
    assert [len(batch) async for batch in retention.prune(now)] == [2, 1]


async def test_pruning_does_not_wait_for_a_task_that_is_being_read_to(
    store: Store, retention: PostgresRetention, database_url: str
) -> None:
    old = [await ended(store), await ended(store)]
    for task_id in old:
        await age(store, task_id)
    connection = await asyncpg.connect(database_url)
    await connection.execute("BEGIN")
    await connection.execute("SELECT FROM tasks WHERE id = $1 FOR NO KEY UPDATE", UUID(old[0]))
    now = datetime.now(UTC) + timedelta(seconds=1)
    first = [task.task_id async for batch in retention.prune(now) for task in batch]
    await connection.close()
    second = [task.task_id async for batch in retention.prune(now) for task in batch]
    assert (first, second) == ([old[1]], [old[0]])


async def test_workers_go_on_while_old_tasks_are_deleted(
    store: Store, retention: PostgresRetention
) -> None:
    for _ in range(8):
        await age(store, await ended(store))
    now = datetime.now(UTC) + timedelta(seconds=1)

    async def prune() -> int:
        return sum([len(batch) async for batch in retention.prune(now)])

    async def work() -> TaskId:
        claim = await claimed(store)
        for version in range(1, 20):
            await store.journal().commit(decision(claim, version=version))
        return claim.task_id

    pruned, worked = await asyncio.gather(prune(), work())
    assert (pruned, len(await store.tasks.events(worked, 0, 100))) == (8, 20)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events",
        "UPDATE events SET type = 'y'",
        "TRUNCATE events",
        "DELETE FROM {part}",
        "UPDATE {part} SET type = 'y'",
        "TRUNCATE {part}",
    ],
)
async def test_nobody_edits_the_log_not_even_the_owner_of_the_tables(
    store: Store, statement: str
) -> None:
    await submitted(store)
    part = f"events_{datetime.now(UTC):%Y_%m}"
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await store.pool.fetch(statement.format(part=part))


async def test_a_lesser_role_deletes_trees_by_the_function_and_cannot_become_another(
    store: Store, database_url: str
) -> None:
    task_id = await ended(store)
    name = f"lesser_{new_id(CLOCK).replace('-', '')}"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            f"CREATE ROLE {name}; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public"
            f" TO {name}; SET SESSION AUTHORIZATION {name}"
        )
        for refused in (
            "DELETE FROM events",
            "DELETE FROM tasks",
            "SET ROLE steersman_retention",
            "ALTER TABLE events DISABLE TRIGGER ALL",
            "SELECT delete_ended_trees('{}', '{}', '{}')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(refused)
        await connection.execute(
            f"RESET SESSION AUTHORIZATION; GRANT EXECUTE ON FUNCTION delete_ended_trees TO {name};"
            f" SET SESSION AUTHORIZATION {name}; CREATE TEMPORARY TABLE tasks (id uuid)"
        )
        gone = await connection.fetch(
            "SELECT task FROM delete_ended_trees(ARRAY[$1::uuid], '{}', '{}')", UUID(task_id)
        )
        assert [str(row["task"]) for row in gone] == [task_id]
    finally:
        await connection.execute(
            f"RESET SESSION AUTHORIZATION; DROP OWNED BY {name}; DROP ROLE {name}"
        )
        await connection.close()


async def test_a_submission_and_a_deletion_of_the_same_conversation_do_not_clash(
    store: Store, retention: PostgresRetention
) -> None:
    for _ in range(10):
        task_id = await ended(store)
        [first] = await store.tasks.events(task_id, 0, 1)
        next_one = submission(conversation_id=first.to_wire()["conversation_id"])
        await asyncio.gather(store.tasks.submit(next_one), retention.delete(task_id, ME))
        claim = await store.journal().claim(ROLES)
        assert claim is not None
        assert claim.task_id == next_one.first.task_id
        await store.journal().commit(ending(claim))

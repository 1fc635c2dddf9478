"""The end of a log: whole trees go, nothing else does, and only in one way."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from steersman.adapters.postgres.partitions import month_after
from steersman.adapters.postgres.retention import PostgresRetention
from steersman.core.clock import new_id
from steersman.core.errors import Invalid, TaskNotFound, TaskRunning
from steersman.core.ids import OwnerId, TaskId, uuid7
from tests.agent.postgres.making import (
    CLOCK,
    ME,
    Store,
    claimed,
    decision,
    ending,
    message,
    opened,
    submitted,
)

pytestmark = pytest.mark.slow  # whole trees of rows

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


async def child_of(store: Store, parent: TaskId, *, final: bool) -> TaskId:
    child = TaskId(new_id(CLOCK))
    await store.pool.fetch(
        "INSERT INTO tasks (id, owner_id, conversation_id, parent_id, root_id, role, workspace_id,"
        " contract_version, state, final, version, view) SELECT $1, owner_id, conversation_id, id,"
        " id, role, workspace_id, 1, state, $3, 1, view FROM tasks WHERE id = $2",
        UUID(child),
        UUID(parent),
        final,
    )
    await store.pool.fetch(
        "INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)"
        " VALUES ($1, 1, 0, 'x', gen_random_uuid(), '{}', now())",
        UUID(child),
    )
    return child


async def age(store: Store, task_id: TaskId, months: int = 3) -> None:
    await store.pool.fetch(
        "UPDATE tasks SET updated_at = now() - make_interval(months => $2) WHERE root_id = $1",
        UUID(task_id),
        months,
    )


async def counts(store: Store) -> dict[str, int]:
    rows = {table: await store.pool.fetch(f"SELECT count(*) FROM {table}") for table in TABLES}
    return {table: row[0][0] for table, row in rows.items()}


async def test_of_a_deleted_tree_nothing_is_left(
    store: Store, retention: PostgresRetention
) -> None:
    task_id = await ended(store)
    child = await child_of(store, task_id, final=True)
    before = await counts(store)
    deleted = await retention.delete(task_id, ME)
    assert {task.task_id for task in deleted} == {task_id, child}
    assert before == {
        "tasks": 2, "events": 4, "inbox": 1, "commands": 2, "artifacts": 1, "approvals": 0,
        "conversations": 1,
    }  # fmt: skip
    assert await counts(store) == dict.fromkeys(TABLES, 0)
    with pytest.raises(TaskNotFound):
        await retention.delete(task_id, ME)


async def test_a_tree_with_a_task_that_runs_is_not_deleted(
    store: Store, retention: PostgresRetention
) -> None:
    running, parent = await submitted(store), await ended(store)
    child = await child_of(store, parent, final=False)
    before = await counts(store)
    for task_id in (running, parent):
        with pytest.raises(TaskRunning):
            await retention.delete(task_id, ME)
    with pytest.raises(Invalid, match=parent):
        await retention.delete(child, ME)
    assert await counts(store) == before


async def test_a_task_of_somebody_else_is_not_found(
    store: Store, retention: PostgresRetention
) -> None:
    task_id = await ended(store)
    for wrong in (task_id, TaskId("nonsense")):
        with pytest.raises(TaskNotFound):
            await retention.delete(wrong, SOMEBODY)
    assert (await counts(store))["tasks"] == 1


async def test_the_other_tasks_of_a_conversation_stay_with_it(
    store: Store, retention: PostgresRetention
) -> None:
    task_id = await ended(store)
    [first] = await store.tasks.events(task_id, 0, 1)
    other = await submitted(store, conversation_id=first.to_wire()["conversation_id"])
    await retention.delete(task_id, ME)
    rows = await store.pool.fetch("SELECT task_count, active_task_id FROM conversations")
    assert [tuple(row) for row in rows] == [(1, UUID(other))]


async def test_pruning_takes_the_old_and_leaves_the_young_and_the_living(
    store: Store, retention: PostgresRetention
) -> None:
    old, young, mixed = [await ended(store) for _ in range(3)]
    for task_id in (old, mixed):
        await age(store, task_id)
    await age(store, young, months=-1)
    living = await child_of(store, mixed, final=False)
    now = datetime.now(UTC) + timedelta(seconds=1)
    found = await retention.old(now)
    assert (found.trees, found.tasks, found.events) == (1, 1, 3)
    deleted = [task.task_id async for batch in retention.prune(now) for task in batch]
    assert deleted == [old]
    left = await store.pool.fetch("SELECT id FROM tasks")
    assert {str(row["id"]) for row in left} == {young, mixed, living}


async def test_a_month_that_is_over_goes_as_one_partition(
    store: Store, retention: PostgresRetention
) -> None:
    last_month = month_after(datetime.now(UTC), -1)
    task_id = await past(store, last_month)
    kept = await ended(store)
    [before] = await store.pool.fetch("SELECT now() AS at")
    batches = [batch async for batch in retention.prune(month_after(before["at"], 0))]
    assert [task.task_id for batch in batches for task in batch] == [task_id]
    name = f"events_{last_month:%Y_%m}"
    [row] = await store.pool.fetch("SELECT to_regclass($1) AS found", name)
    assert row["found"] is None
    assert len(await store.tasks.events(kept, 0, 10)) == 3


async def test_a_month_in_which_a_task_lives_is_kept_and_only_thinned_out(
    store: Store, retention: PostgresRetention
) -> None:
    last_month = month_after(datetime.now(UTC), -1)
    gone = await past(store, last_month)
    lives = await past(store, last_month, final=False)
    async for _ in retention.prune(month_after(datetime.now(UTC), 0)):
        pass
    rows = await store.pool.fetch(f"SELECT DISTINCT task_id FROM events_{last_month:%Y_%m}")
    assert {str(row["task_id"]) for row in rows} == {lives}
    with pytest.raises(TaskNotFound):
        await store.tasks.view(gone, ME)


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

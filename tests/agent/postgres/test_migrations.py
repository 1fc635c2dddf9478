"""Upgrades: of databases that hold something, and beside processes that work."""

import asyncio
from collections.abc import Generator
from datetime import UTC, datetime

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from steersman.adapters.postgres import migrate as migration
from steersman.adapters.postgres.embedded import EmbeddedPostgres
from steersman.adapters.postgres.migrate import migrate, script_between
from steersman.adapters.postgres.migrations import HEAD
from steersman.adapters.postgres.partitions import lowest_id, month_after
from steersman.adapters.postgres.rows import to_json
from steersman.core.clock import new_id
from steersman.core.events import TaskSubmitted, event_payload
from steersman.core.ids import ConversationId, TaskId
from steersman.core.limits import Limits
from tests.agent.postgres.making import CLOCK, ME, ROLES, ending, opened
from tests.agent.support.database import empty_database

pytestmark = pytest.mark.slow  # a database of its own for each

WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation')"
FOLDER = str(migration.__file__).replace("migrate.py", "migrations")
EARLIER = [step.revision for step in ScriptDirectory(FOLDER).walk_revisions()][:0:-1]

OLD_ROWS = (
    "INSERT INTO conversations (id, owner_id, active_task_id) VALUES ($1, 'me', $1)",
    "INSERT INTO workspaces (id, owner_id, name) VALUES ($1, 'me', 'shop')",
    """
    INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id,
                       contract_version, state, due_at, version, size_bytes, view)
    VALUES ($1, 'me', $1, $1, 'developer', $1, 1, 'queued', now(), 1, 7,
            '{"goal": "make it work", "state": "queued", "seq": 1}')
    """,
    "INSERT INTO artifacts VALUES ($1, 'abc', 'whole')",
)
"""A task as the first version wrote it; columns that came later have defaults."""

OLD_EVENT = "INSERT INTO events VALUES ($1, 1, 0, 'task_submitted', NULL, $1, $2, now())"


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Generator[str]:
    with empty_database(postgres_server) as dsn:
        yield dsn


async def make_old(dsn: str, version: str) -> TaskId:
    """Bring an empty database to an earlier version, with a task in it."""
    task_id = TaskId(new_id(CLOCK))
    first = TaskSubmitted(
        goal="make it work",
        role="developer",
        conversation_id=ConversationId(task_id),
        root_id=task_id,
        owner_id=ME,
        workspace="shop",
        limits=Limits(),
        team_version="1",
    )
    connection = await asyncpg.connect(dsn)
    await connection.execute(script_between(None, version))
    await connection.execute(old_partition())
    for statement in OLD_ROWS:
        await connection.execute(statement, task_id)
    await connection.execute(OLD_EVENT, task_id, to_json(event_payload(first)))
    await connection.close()
    return task_id


def old_partition() -> str:
    month = month_after(datetime.now(UTC), 0)
    start, end = lowest_id(month), lowest_id(month_after(month, 1))
    return (
        f"CREATE TABLE events_{month:%Y_%m} PARTITION OF events"
        f" FOR VALUES FROM ('{start}') TO ('{end}')"
    )


@pytest.mark.parametrize("version", EARLIER)
async def test_a_task_of_an_earlier_version_goes_on_after_the_upgrade(
    empty: str, version: str
) -> None:
    task_id = await make_old(empty, version)
    await migrate(empty)
    async with opened(empty) as store:
        view = await store.tasks.view(task_id, ME)
        # Counted again on the way to the version that counts as we do, and not after it.
        assert (view["size_bytes"] == 7) == (version >= "0004")
        await store.alive("worker-1", seconds=60)
        claim = await store.journal().claim(ROLES)
        assert claim is not None
        [first] = (await store.journal().history(task_id)).envelopes
        assert first.event.type == "task_submitted"
        await store.journal().commit(ending(claim))
        assert [e.seq for e in await store.tasks.events(task_id, 0, 10)] == [1, 2]
        assert await store.tasks.read_artifact(task_id, "abc") == b"whole"


async def test_a_migration_that_has_to_wait_does_not_stop_the_claims_of_others(
    empty: str,
) -> None:
    """It waits for a lock, and whoever needs the same table would wait behind it."""
    await make_old(empty, "0003")
    reader = await asyncpg.connect(empty)
    async with opened(empty) as store, asyncio.TaskGroup() as group:
        await store.alive("worker-1", seconds=60)
        async with reader.transaction():
            await reader.fetch("SELECT FROM events LIMIT 1")
            upgrading = group.create_task(migrate(empty))
            async with asyncio.timeout(20):
                while not await reader.fetchval(WAITS):
                    continue  # each look is a round trip
            claim = await store.journal().claim(ROLES)
            assert claim is not None
            await store.journal().commit(ending(claim))
            assert not upgrading.done()
    assert await reader.fetchval("SELECT version_num FROM alembic_version") == HEAD
    await reader.close()

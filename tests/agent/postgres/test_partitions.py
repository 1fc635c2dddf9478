"""Where the log of a task lies, and how a database gets its tables."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from steersman.adapters.postgres import migrate as migration
from steersman.adapters.postgres.migrate import migrate
from steersman.adapters.postgres.migrations import HEAD
from steersman.adapters.postgres.partitions import (
    MONTHS_AHEAD,
    ensure_partitions,
    last_month,
    lowest_id,
    month_after,
)
from steersman.app.checks import check_partitions
from steersman.app.upkeep import keep_partitions
from steersman.core.errors import ConfigurationError
from steersman.core.ids import uuid7
from tests.agent.postgres.making import opened, submitted

pytestmark = pytest.mark.slow  # real processes and servers, seconds each

_PARTITIONS = """
SELECT inhrelid::regclass::text AS name FROM pg_inherits
 WHERE inhparent = 'events'::regclass ORDER BY 1
"""
_INSERT = """
INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)
VALUES ($1, 1, 0, 'x', gen_random_uuid(), '{}', now()) RETURNING tableoid::regclass::text
"""


async def test_there_are_partitions_for_the_months_to_come(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    now = datetime.now(UTC)
    names = [row["name"] for row in await connection.fetch(_PARTITIONS)]
    months = [month_after(now, offset) for offset in range(-1, MONTHS_AHEAD + 1)]
    assert names == [*(f"events_{month:%Y_%m}" for month in months), "events_past"]
    for at in (now, month_after(now, 1), month_after(now, 1) - timedelta(milliseconds=1)):
        where = await connection.fetchval(_INSERT, UUID(uuid7(at, bytes(10))))
        assert where == f"events_{at:%Y_%m}"
    assert await connection.fetchval(_INSERT, UUID(int=7 << 76)) == "events_past"
    await connection.close()


async def test_a_task_that_comes_before_its_partition_waits_for_it(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    for row in await connection.fetch(_PARTITIONS):
        await connection.execute(f"DROP TABLE {row['name']}")
    async with opened(database_url) as store:
        submitting = asyncio.create_task(submitted(store))
        await asyncio.wait((submitting,), timeout=0.3)
        assert not submitting.done()
        await ensure_partitions(connection)
        assert await store.tasks.events(await submitting, 0, 10)
    await connection.close()


async def test_a_partition_that_is_missing_is_made(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    last = f"events_{month_after(datetime.now(UTC), MONTHS_AHEAD):%Y_%m}"
    await connection.execute(f"DROP TABLE {last}")
    await ensure_partitions(connection)
    await ensure_partitions(connection)
    assert last in [row["name"] for row in await connection.fetch(_PARTITIONS)]
    await connection.close()


async def test_a_process_that_stays_up_makes_the_partitions_of_the_months_to_come(
    database_url: str,
) -> None:
    last = month_after(datetime.now(UTC), MONTHS_AHEAD)
    async with opened(database_url) as store:
        await store.pool.fetch(f"DROP TABLE events_{last:%Y_%m}")
        assert await store.pool.run(last_month) == month_after(last, -1)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            keeping = group.create_task(keep_partitions(store.pool, every=timedelta()))
            while await store.pool.run(last_month) != last:  # each look is a round trip
                continue
            keeping.cancel()


async def test_health_says_until_when_there_are_partitions(database_url: str) -> None:
    now = datetime.now(UTC)
    async with opened(database_url) as store:
        enough = await check_partitions(store.pool)
        for ahead in range(1, MONTHS_AHEAD + 1):
            await store.pool.fetch(f"DROP TABLE events_{month_after(now, ahead):%Y_%m}")
        scarce = await check_partitions(store.pool)
    assert (enough.status, scarce.status) == ("ok", "degraded")
    assert f"{month_after(now, MONTHS_AHEAD):%Y-%m}" in (enough.detail or "")
    assert f"{now:%Y-%m}" in (scarce.detail or "")


def test_the_lowest_id_of_a_moment_sorts_before_all_of_it() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    before = UUID(uuid7(at - timedelta(milliseconds=1), b"\xff" * 10))
    assert before < lowest_id(at) < UUID(uuid7(at, bytes(10)))
    assert month_after(datetime(2026, 11, 24, tzinfo=UTC), 2) == datetime(2027, 1, 1, tzinfo=UTC)


async def test_a_database_that_is_up_to_date_stays_as_it_is(database_url: str) -> None:
    await migrate(database_url)


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(ConfigurationError, match="9999"):
        await migrate(database_url)


def test_head_is_what_alembic_thinks_it_is() -> None:
    folder = str(migration.__file__).replace("migrate.py", "migrations")
    assert ScriptDirectory(folder).get_current_head() == HEAD

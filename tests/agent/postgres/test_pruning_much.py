"""Pruning as an operator meets it: a thousand tasks of sixty events, beside one that works."""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from steersman.adapters.postgres.partitions import lowest_id, month_after
from steersman.adapters.postgres.pool import Connection
from steersman.adapters.postgres.retention import PostgresRetention
from steersman.core.ports import Claim
from steersman.core.retention import OldTrees
from tests.agent.postgres.making import Store, claimed, decision, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TASKS, EVENTS = 1_000, 60
ROWS = """
WITH place AS (
  INSERT INTO workspaces (owner_id, name) VALUES ('me', 'old') RETURNING id
), talks AS (
  INSERT INTO conversations (id, owner_id, task_count)
  SELECT gen_random_uuid(), 'me', 1 FROM generate_series(1, $1::int) RETURNING id
), made AS (
  SELECT id AS talk, overlay($3::text PLACING lpad(to_hex(row_number() OVER ()), 12, '0') FROM 25)
                     ::uuid AS task FROM talks
)
INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id, contract_version,
                   state, final, version, view, size_bytes, updated_at)
SELECT task, 'me', talk, task, 'developer', place.id, 1, 'completed', true, $2::int, '{}', 30000, $4
  FROM place, made
"""
LOGS = """
INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)
SELECT tasks.id, n, 1, 'action_succeeded', gen_random_uuid(),
       json_build_object('output', repeat('line ', 80)), now()
  FROM tasks, generate_series(1, $1::int) AS n
"""


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        await store.alive("worker-1", seconds=600)
        yield store


async def fill(store: Store, at: datetime) -> None:
    """Write tasks down that were made and ended at a moment."""

    async def insert(connection: Connection) -> None:
        await connection.execute("SET LOCAL statement_timeout = '60s'")
        await connection.execute(ROWS, TASKS, EVENTS, str(lowest_id(at)), at, timeout=60)
        await connection.execute(LOGS, EVENTS, timeout=60)

    await store.pool.transaction(insert, patience=timedelta(minutes=1))


async def work(store: Store, claim: Claim, seconds: list[float]) -> None:
    """Commit step after step, and note how long each took."""
    for version in count(1):
        began = time.perf_counter()
        await store.journal().commit(decision(claim, version=version))
        seconds.append(time.perf_counter() - began)


@pytest.mark.parametrize("months", [0, -1], ids=["of_this_month", "of_last_month"])
async def test_a_thousand_tasks_go_while_another_works(store: Store, months: int) -> None:
    now = datetime.now(UTC)
    await fill(store, now if months == 0 else month_after(now, months) + timedelta(days=1))
    claim = await claimed(store)
    retention = PostgresRetention(store.pool)
    before = month_after(now, 0) if months else datetime.now(UTC) + timedelta(minutes=1)
    found = await retention.old(before)
    assert found == OldTrees(TASKS, TASKS, TASKS * EVENTS, TASKS * 30_000)
    commits = list[float]()
    working = asyncio.create_task(work(store, claim, commits))
    began = time.perf_counter()
    deleted = [task async for batch in retention.prune(before) for task in batch]
    seconds = time.perf_counter() - began
    working.cancel()
    assert len(deleted) == TASKS
    # A machine at rest needs a few seconds; a commit that waits for the pruning would show.
    assert seconds < 60
    assert max(commits) < 2.0
    [left] = await store.pool.fetch(
        "SELECT (SELECT count(DISTINCT task_id) FROM events), (SELECT count(*) FROM tasks),"
        " to_regclass($1) IS NOT NULL",
        f"events_{month_after(now, months):%Y_%m}",
    )
    assert tuple(left) == (1, 1, months == 0)

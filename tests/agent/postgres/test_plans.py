"""The product's own queries, as the database would run them on a store that has grown."""

import json
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from steersman.adapters.postgres import conversations, overview, retention, workspaces
from steersman.adapters.postgres.submit import SQL as TASKS
from steersman.core.clock import new_id
from steersman.core.overview import SPENDING_EVENTS
from tests.agent.postgres.making import CLOCK, HOST, ME, Store, opened

pytestmark = pytest.mark.slow

CONVERSATIONS, OVERVIEW, RETENTION = conversations._SQL, overview._SQL, retention._SQL
WORKSPACES = workspaces._SQL
SOMEBODY_TOO = """
WITH mine AS (
  INSERT INTO workspaces (owner_id, name) SELECT 'me', n::text FROM generate_series(1, 500) AS n
  RETURNING id, name
), talks AS (
  INSERT INTO conversations (id, owner_id, updated_at)
  SELECT gen_random_uuid(), CASE WHEN n % 4 = 0 THEN 'me' ELSE 'somebody' END,
         now() - n * interval '1 minute'
    FROM generate_series(1, 10000) AS n RETURNING id, owner_id
), numbered AS (
  SELECT id, owner_id, row_number() OVER () AS n, uuidv7() AS task FROM talks
)
INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id, contract_version,
                   state, final, version, view)
SELECT task, owner_id, numbered.id, task, 'developer', mine.id, 1, 'completed', true, 60,
       json_build_object('goal', repeat('g', 400))
  FROM numbered JOIN mine ON mine.name = (1 + n % 500)::text
"""

GOES_ON = """
UPDATE tasks SET final = false, state = 'running', created_at = now() - interval '1 day'
 WHERE id IN (SELECT id FROM tasks WHERE owner_id = 'me' LIMIT 20)
"""

LOGS = """
INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)
SELECT id, n, 1, 'message_added', gen_random_uuid(), '{}', now()
  FROM (SELECT id FROM tasks LIMIT 1000) AS first, generate_series(1, 20) AS n
"""


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        await store.pool.fetch(SOMEBODY_TOO)
        await store.pool.fetch(LOGS)
        await store.pool.fetch("ANALYZE")
        yield store


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def plan_of(store: Store, statement: str, *arguments: object) -> list[dict[str, Any]]:
    [row] = await store.pool.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
    return list(nodes(json.loads(row[0])[0]["Plan"]))


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        (TASKS["list"], (ME, [], None, None, 51)),
        (TASKS["list"], (ME, [], uuid4(), None, 51)),
        (TASKS["list"], (ME, [], None, UUID("01990000-0000-7000-8000-000000000000"), 51)),
        (TASKS["view"], (uuid4(), ME)),
        (TASKS["events_after"], (UUID(new_id(CLOCK)), 10, 500)),
        (TASKS["gone"], ([uuid4() for _ in range(100)],)),
        (TASKS["workspace"], (ME, "7")),
        (CONVERSATIONS["list"], (ME, False, None, None, 51)),
        (RETENTION["whole_tree"], (uuid4(), ME)),
        (WORKSPACES["lock"], (uuid4(), HOST)),
        (WORKSPACES["tasks"], (uuid4(),)),
        (WORKSPACES["gone"], ([uuid4() for _ in range(100)],)),
    ],
)
async def test_nothing_that_people_ask_for_reads_a_whole_table(
    store: Store, statement: str, arguments: tuple[object, ...]
) -> None:
    plan = await plan_of(store, statement, *arguments)
    scanned = [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    assert scanned == []
    assert any("Index Name" in node for node in plan)


async def test_a_page_reads_as_many_tasks_as_it_shows_and_sorts_none(store: Store) -> None:
    plan = await plan_of(store, TASKS["list"], ME, [], None, None, 51)
    [scan] = [node for node in plan if "Index Name" in node]
    assert (scan["Index Name"], scan["Actual Rows"]) == ("tasks_by_owner", 51)
    assert not any("Sort" in node["Node Type"] for node in plan)


async def test_a_page_of_conversations_sorts_none(store: Store) -> None:
    plan = await plan_of(store, CONVERSATIONS["list"], ME, False, None, None, 51)
    [scan] = [node for node in plan if "Index Name" in node]
    assert (scan["Index Name"], scan["Actual Rows"]) == ("conversations_by_activity", 51)
    assert not any("Sort" in node["Node Type"] for node in plan)


async def test_a_persons_numbers_are_counted_without_what_has_ended_long_ago(store: Store) -> None:
    await store.pool.fetch(GOES_ON)
    await store.pool.fetch("ANALYZE")
    since = datetime.now(UTC) - timedelta(minutes=1)
    plan = await plan_of(store, OVERVIEW["numbers"], ME, since, list(SPENDING_EVENTS))
    read = [node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in plan]
    assert max(read) <= 1000, "of 10,000 tasks and 20,000 events"

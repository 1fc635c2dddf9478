"""Why nobody takes a task: each condition of a claim, and what is said when it fails."""

from collections.abc import AsyncGenerator

import pytest

from steersman.adapters.postgres.why import claim_facts
from steersman.core.errors import TaskNotFound
from steersman.core.ids import TaskId
from steersman.core.unclaimed import why_unclaimed
from tests.agent.postgres.making import ROLES, Store, claimed, opened, submitted

WORKER = "INSERT INTO workers VALUES ('w', 'host-1', now() + interval '1 min', '{developer}', 1)"


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def code(store: Store, task_id: TaskId) -> str:
    return why_unclaimed(await claim_facts(store.pool, task_id)).code


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("SELECT", "claimable"),
        ("UPDATE tasks SET final = true, state = 'failed'", "ended"),
        ("UPDATE tasks SET worker_id = 'w'", "held"),
        ("UPDATE tasks SET due_at = now() + interval '1 h'", "not_due"),
        ("UPDATE tasks SET due_at = NULL, waiting_for = '{approval}'", "waits_for_a_person"),
        ("UPDATE tasks SET due_at = NULL, waiting_for = '{pause}'", "waits_for_a_person"),
        ("UPDATE conversations SET active_task_id = gen_random_uuid()", "conversation_busy"),
        ("UPDATE workspaces SET holder_task_id = gen_random_uuid()", "workspace_held"),
        ("UPDATE workers SET roles = '{tester}'", "no_worker"),
        ("UPDATE workers SET lease_until = now()", "no_worker"),
        ("UPDATE tasks SET contract_version = 2", "contract_newer"),
        ("UPDATE workspaces SET host_id = 'host-2'", "other_host"),
    ],
)
async def test_the_condition_that_fails_is_named_and_the_task_is_not_claimed(
    store: Store, change: str, expected: str
) -> None:
    task_id = await submitted(store)
    await store.pool.fetch(WORKER)
    await store.pool.fetch(change)
    assert await code(store, task_id) == expected
    # A worker that no role keeps out: what is said about roles is about those that are there.
    is_claimed = await store.journal("another").claim(ROLES) is not None
    assert is_claimed == (expected in ("claimable", "no_worker"))


async def test_a_task_of_a_dead_worker_is_claimable(store: Store) -> None:
    claim = await claimed(store)
    assert await code(store, claim.task_id) == "held"
    await store.alive("worker-1", seconds=-1)
    await store.pool.fetch(WORKER)
    assert await code(store, claim.task_id) == "claimable"


async def test_a_task_that_is_not_there_is_not_explained(store: Store) -> None:
    with pytest.raises(TaskNotFound):
        await claim_facts(store.pool, TaskId("01890000-0000-7000-8000-000000000000"))

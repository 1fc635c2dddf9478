"""Who may work on a task."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from steersman.adapters.postgres.rows import CONTRACT_VERSION
from steersman.core.errors import LeaseLost, LogUnreadable
from steersman.core.events import ContextCompacted
from steersman.core.limits import Usage
from tests.agent.postgres.making import (
    ROLES,
    Store,
    claimed,
    decision,
    ending,
    message,
    opened,
    submitted,
)


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_a_submitted_task_is_claimed_once_with_its_workspace(store: Store) -> None:
    task_id = await submitted(store, workspace="shop")
    await store.alive("worker-1", seconds=60)
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    assert claim.workspace is not None
    assert (claim.task_id, claim.epoch, claim.version) == (task_id, 1, 1)
    assert (claim.workspace.name, claim.workspace.path, claim.workspace.fence) == ("shop", None, 1)
    assert (claim.claims_since_progress, claim.taken_over) == (0, False)
    assert await store.journal("worker-2").claim(ROLES) is None


async def test_a_task_of_another_role_or_a_newer_contract_is_left_alone(store: Store) -> None:
    task_id = await submitted(store)
    assert await store.journal().claim(("tester",)) is None
    await store.pool.fetch("UPDATE tasks SET contract_version = 99 WHERE id = $1", task_id)
    assert await store.journal().claim(ROLES) is None


async def test_a_claim_can_be_limited_to_one_tree(store: Store) -> None:
    await store.alive("worker-1", seconds=60)
    await submitted(store)
    wanted = await submitted(store)
    claim = await store.journal().claim(ROLES, wanted)
    assert claim is not None
    assert claim.task_id == wanted
    assert await store.journal("worker-2").claim(ROLES, wanted) is None


async def test_claimants_never_get_the_same_task(store: Store) -> None:
    workers = [f"worker-{n}" for n in range(8)]
    for worker in workers:
        await store.alive(worker, seconds=60)
    tasks = {await submitted(store) for _ in range(12)}

    async def claim_all(worker: str) -> list[str]:
        journal, found = store.journal(worker), list[str]()
        while claim := await journal.claim(ROLES):
            found.append(claim.task_id)
        return found

    found = sum(await asyncio.gather(*map(claim_all, workers)), list[str]())
    assert sorted(found) == sorted(tasks)


async def test_a_task_is_taken_over_when_its_workers_lease_has_ended(store: Store) -> None:
    first = await claimed(store)
    await store.alive("worker-1", seconds=-1)
    second = await store.journal("worker-2").claim(ROLES)
    assert second is not None
    assert second.workspace is not None
    assert (second.epoch, second.taken_over, second.claims_since_progress) == (2, True, 1)
    assert second.workspace.fence == 2
    with pytest.raises(LeaseLost):
        await store.journal().commit(decision(first))
    await store.journal("worker-2").commit(decision(second))


async def test_a_claim_whose_answer_was_lost_is_found_again_by_its_worker(store: Store) -> None:
    lost = await claimed(store)
    again = await store.journal().claim(ROLES)
    assert again is not None
    assert (again.task_id, again.epoch, again.taken_over) == (lost.task_id, 2, False)


async def test_a_worker_does_not_claim_what_it_holds(store: Store) -> None:
    await store.alive("worker-1", seconds=60)
    await submitted(store)
    journal = store.journal()
    assert await journal.claim(ROLES) is not None
    assert await journal.claim(ROLES) is None


async def test_tasks_of_one_workspace_take_turns(store: Store) -> None:
    await submitted(store, workspace="shop")
    second_task = await submitted(store, workspace="shop")
    journal = store.journal()
    await store.alive("worker-1", seconds=60)
    first = await journal.claim(ROLES)
    assert first is not None
    assert await journal.claim(ROLES) is None
    await journal.commit(ending(first))
    second = await journal.claim(ROLES)
    assert second is not None
    assert second.workspace is not None
    assert (second.task_id, second.workspace.fence) == (second_task, 2)


async def test_a_workspace_stays_on_the_host_that_first_worked_in_it(store: Store) -> None:
    await store.alive("worker-1", seconds=60)
    await submitted(store, workspace="shop")
    journal = store.journal(host_id="host-1")
    claim = await journal.claim(ROLES)
    assert claim is not None
    await journal.release(claim)
    assert await store.journal("worker-2", host_id="host-2").claim(ROLES) is None
    assert await journal.claim(ROLES) is not None


async def test_a_failed_release_counts_towards_poison_and_progress_resets_it(store: Store) -> None:
    await store.alive("worker-1", seconds=60)
    await submitted(store)
    journal = store.journal()
    first = await journal.claim(ROLES)
    assert first is not None
    await journal.release(first, failed=True)
    second = await journal.claim(ROLES)
    assert second is not None
    assert (second.claims_since_progress, second.taken_over) == (1, False)
    await journal.commit(replace(decision(second, release=True), progress=False))
    third = await journal.claim(ROLES)
    assert third is not None
    assert third.claims_since_progress == 1
    await journal.commit(decision(third, release=True))
    fourth = await journal.claim(ROLES)
    assert fourth is not None
    assert fourth.claims_since_progress == 0


async def test_a_released_task_is_due_when_the_store_says_so(store: Store) -> None:
    claim = await claimed(store)
    await store.journal().release(claim, after=timedelta(hours=1))
    assert await store.journal().claim(ROLES) is None


async def test_the_next_holder_has_a_fence_above_the_one_that_was_found(store: Store) -> None:
    """The fence on disk is ahead of a database that was restored from an older copy."""
    claim = await claimed(store)
    await store.journal().release(claim, fence=9)
    after = await store.journal().claim(ROLES)
    assert after is not None
    assert after.workspace is not None
    assert after.workspace.fence == 10


async def test_what_a_later_version_has_written_to_is_left_to_its_workers(store: Store) -> None:
    claim = await claimed(store)
    await store.pool.fetch("UPDATE tasks SET contract_version = $1", CONTRACT_VERSION + 1)
    await store.journal().commit(decision(claim, release=True))
    assert await store.journal().claim(ROLES) is None
    assert await store.journal().claim_for_command(claim.task_id) is None


async def test_who_writes_to_an_old_task_makes_it_one_of_its_own_version(store: Store) -> None:
    claim = await claimed(store)
    await store.pool.fetch("UPDATE tasks SET contract_version = 0")
    await store.journal().commit(decision(claim))
    [row] = await store.pool.fetch("SELECT contract_version FROM tasks")
    assert row["contract_version"] == CONTRACT_VERSION


async def test_a_log_that_only_a_later_version_understands_is_unreadable(store: Store) -> None:
    claim = await claimed(store)
    await store.pool.fetch(
        "INSERT INTO events VALUES ($1, 2, 0, 'wished', NULL, gen_random_uuid(), '{}', now())",
        claim.task_id,
    )
    with pytest.raises(LogUnreadable):
        await store.journal().history(claim.task_id)


async def test_a_command_is_answered_by_a_claim_without_the_workspace(store: Store) -> None:
    task_id = await submitted(store)
    await store.tasks.post(message(task_id))
    claim = await store.journal("api").claim_for_command(task_id)
    assert claim is not None
    assert (claim.workspace, claim.inbox_seq, claim.inbox_done) == (None, 1, 0)


async def test_a_death_that_a_command_finds_counts_too(store: Store) -> None:
    first = await claimed(store)
    await store.alive("worker-1", seconds=-1)
    found = await store.journal("api").claim_for_command(first.task_id)
    assert found is not None
    assert (found.epoch, found.taken_over, found.claims_since_progress) == (2, True, 1)


async def test_a_command_is_left_to_the_worker_that_holds_the_task(store: Store) -> None:
    claim = await claimed(store)
    assert await store.journal("api").claim_for_command(claim.task_id) is None
    await store.alive("worker-1", seconds=-1)
    taken = await store.journal("api").claim_for_command(claim.task_id)
    assert taken is not None
    assert taken.taken_over


async def test_history_begins_at_the_last_compaction(store: Store) -> None:
    claim = await claimed(store)
    compacted = ContextCompacted(through_seq=1, summary="so far", usage=Usage())
    checkpointed = replace(decision(claim, compacted), checkpoint={"step": 3})
    await store.journal().commit(checkpointed)
    await store.journal().commit(decision(claim, version=2))
    history = await store.journal().history(claim.task_id)
    assert (history.checkpoint, history.checkpoint_seq) == ({"step": 3}, 2)
    assert [envelope.seq for envelope in history.envelopes] == [2, 3]

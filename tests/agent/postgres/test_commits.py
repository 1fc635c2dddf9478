"""The only way in which state changes."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from steersman.core.errors import InboxMoved, LeaseLost
from tests.agent.postgres.making import (
    ME,
    ROLES,
    Store,
    claimed,
    decision,
    ending,
    message,
    opened,
    said,
    submission,
    submitted,
)


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_a_commit_writes_its_events_and_the_view(store: Store) -> None:
    claim = await claimed(store)
    made = decision(claim, said("one"), said("two"))
    await store.journal().commit(made)
    events = await store.tasks.events(claim.task_id, 1, 10)
    view = await store.tasks.view(claim.task_id, ME)
    assert events == made.envelopes
    assert view.pop("size_bytes") > 0
    assert view == made.view


@pytest.mark.parametrize("moved", ["epoch", "version", "worker", "final"])
async def test_a_commit_is_fenced(store: Store, moved: str) -> None:
    claim = await claimed(store)
    made = decision(claim)
    match moved:
        case "epoch":
            made = replace(made, claim=replace(claim, epoch=claim.epoch + 1))
        case "version":
            made = replace(made, version=claim.version + 1)
        case "worker":
            await store.pool.fetch("UPDATE tasks SET worker_id = 'another'")
        case _:
            await store.journal().commit(ending(claim))
    before = await store.tasks.events(claim.task_id, 0, 10)
    with pytest.raises(LeaseLost):
        await store.journal().commit(made)
    assert await store.tasks.events(claim.task_id, 0, 10) == before


async def test_a_command_that_a_decision_has_not_seen_stops_it(store: Store) -> None:
    claim = await claimed(store)
    await store.tasks.post(message(claim.task_id))
    with pytest.raises(InboxMoved):
        await store.journal().commit(decision(claim, seen_inbox=0, release=True))
    await store.journal().commit(replace(decision(claim, seen_inbox=1), inbox_done=1))
    assert len(await store.tasks.events(claim.task_id, 0, 10)) == 2


async def test_the_same_decision_commits_once(store: Store) -> None:
    claim = await claimed(store)
    for made in (decision(claim), ending(claim, version=2)):
        await store.journal().commit(made)
        await store.journal().commit(made)
    assert [e.seq for e in await store.tasks.events(claim.task_id, 0, 10)] == [1, 2, 3]


async def test_a_release_alone_can_be_repeated(store: Store) -> None:
    claim = await claimed(store)
    made = replace(decision(claim, release=True), envelopes=())
    await store.journal().commit(made)
    await store.journal().commit(made)
    assert await store.journal("worker-2").claim(ROLES) is not None


async def test_an_unanswered_command_keeps_a_task_due(store: Store) -> None:
    claim = await claimed(store)
    await store.tasks.post(message(claim.task_id))
    await store.journal().commit(decision(claim, due_at=None, release=True))
    again = await store.journal().claim(ROLES)
    assert again is not None
    assert (again.inbox_seq, again.inbox_done) == (1, 0)


async def test_a_waiting_task_is_not_due(store: Store) -> None:
    claim = await claimed(store)
    await store.journal().commit(decision(claim, due_at=None, release=True))
    assert await store.journal().claim(ROLES) is None
    await store.tasks.post(message(claim.task_id))
    assert await store.journal().claim(ROLES) is not None


async def test_artifacts_are_kept_once(store: Store) -> None:
    claim = await claimed(store)
    kept = {"abc": b"\0whole output"}
    await store.journal().commit(replace(decision(claim), artifacts=kept))
    await store.journal().commit(replace(decision(claim, version=2), artifacts=kept))
    assert await store.journal().artifact(claim.task_id, "abc") == b"\0whole output"
    assert await store.tasks.read_artifact(claim.task_id, "abc") == b"\0whole output"
    assert await store.tasks.read_artifact(claim.task_id, "other") is None


async def test_the_end_of_a_task_hands_the_conversation_over(store: Store) -> None:
    first = await claimed(store)
    view = await store.tasks.events(first.task_id, 0, 1)
    conversation_id = view[0].to_wire()["conversation_id"]
    second = await submitted(store, conversation_id=conversation_id)
    third = await submitted(store, conversation_id=conversation_id)
    journal = store.journal()
    assert await store.journal("worker-2").claim(ROLES) is None
    await journal.commit(ending(first))
    for expected in (second, third):
        claim = await journal.claim(ROLES)
        assert claim is not None
        assert claim.task_id == expected
        assert await journal.claim(ROLES) is None
        await journal.commit(ending(claim))


async def test_submissions_and_ends_never_leave_a_conversation_without_its_next_task(
    store: Store,
) -> None:
    await store.alive("worker-1", seconds=60)
    first = submission()
    await store.tasks.submit(first)
    journal = store.journal()
    for _ in range(10):
        claim = await journal.claim(ROLES)
        assert claim is not None
        following = submission(conversation_id=first.conversation_id)
        await asyncio.gather(journal.commit(ending(claim)), store.tasks.submit(following))


async def test_the_log_cannot_be_edited(store: Store) -> None:
    await claimed(store)
    for statement in ("UPDATE events SET epoch = 9", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(Exception, match="append-only"):
            await store.pool.fetch(statement)


async def test_the_commits_of_a_running_task_touch_no_index(new_database_url: str) -> None:
    async with opened(new_database_url) as store:
        claim = await claimed(store)
        for version in range(1, 21):
            await store.journal().commit(decision(claim, version=version))
        await store.pool.fetch("SELECT pg_stat_force_next_flush()")
        [counts] = await store.pool.fetch(
            "SELECT n_tup_upd AS updated, n_tup_hot_upd AS without_index"
            " FROM pg_stat_user_tables WHERE relname = 'tasks'"
        )
    the_claim = 1
    assert dict(counts) == {"updated": 20 + the_claim, "without_index": 20}

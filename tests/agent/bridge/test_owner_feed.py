"""Whoever watches a person's tasks has each one's newest view, on a real store."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from steersman.adapters.in_memory import InMemoryHints
from steersman.adapters.postgres.owner_views import PostgresOwnerViews
from steersman.bridge.owner_feed import OwnerFeed
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.ledger import DUE
from steersman.core.owner_views import OwnedView
from tests.agent.api.driving import until
from tests.agent.bridge.signing import ALICE, BOB
from tests.agent.postgres.making import ROLES, Store, decision, ending, opened, submitted

pytestmark = pytest.mark.slow

A, B = OwnerId(ALICE), OwnerId(BOB)


@dataclass
class Viewer:
    """Somebody who watches; `shown` is each view in the order in which it came."""

    shown: list[JsonObject] = field(default_factory=list)

    def show(self, owned: OwnedView) -> None:
        self.shown.append(owned.view)

    @property
    def newest(self) -> dict[str, tuple[int, str]]:
        return {view["task_id"]: (view["seq"], view["state"]) for view in self.shown}


@dataclass
class Place:
    store: Store
    feed: OwnerFeed
    hints: InMemoryHints

    @asynccontextmanager
    async def watching(self, *owners: OwnerId) -> AsyncGenerator[list[Viewer]]:
        """Let each owner be watched while the block runs."""
        viewers = [Viewer() for _ in owners]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.feed.run())]
            for owner_id, viewer in zip(owners, viewers, strict=True):
                tasks.append(group.create_task(self._watch(owner_id, viewer)))
            yield viewers
            for task in tasks:
                task.cancel()

    async def _watch(self, owner_id: OwnerId, viewer: Viewer) -> None:
        with self.feed.follow(owner_id, viewer.show) as watch:
            await self.feed.show_all(watch, room)
            await asyncio.Event().wait()

    async def submit(self, owner_id: OwnerId) -> TaskId:
        return await submitted(self.store, owner_id=owner_id)


async def room() -> None:
    return None


@pytest.fixture
async def place(database_url: str) -> AsyncGenerator[Place]:
    async with opened(database_url) as store:
        hints = InMemoryHints()
        yield Place(store, OwnerFeed(PostgresOwnerViews(store.pool), hints), hints)


async def test_first_come_all_that_there_are_and_nobody_elses(place: Place) -> None:
    mine = {await place.submit(A) for _ in range(130)}
    theirs = {await place.submit(B) for _ in range(3)}
    async with place.watching(A, B, A) as (first, second, third):
        await until(lambda: len(first.newest) == 130 and len(third.newest) == 130)
        await until(lambda: second.newest.keys() == theirs)
    assert first.newest.keys() == third.newest.keys() == mine
    assert len(first.shown) == 130
    assert all(view["size_bytes"] > 0 for view in first.shown)


async def test_what_is_put_away_is_not_shown_unless_it_goes_on(place: Place) -> None:
    task_ids = [await place.submit(A) for _ in range(2)]
    await place.store.alive("worker-1", seconds=60)
    journal = place.store.journal()
    claim = await journal.claim(ROLES, tree=task_ids[0])
    assert claim is not None
    await journal.commit(ending(claim))
    await place.store.pool.fetch("UPDATE conversations SET archived = true")
    seen = await PostgresOwnerViews(place.store.pool).page(A, None, 10)
    assert [owned.task_id for owned in seen] == [task_ids[1]]


async def test_each_change_and_each_new_task_is_shown_with_and_without_hints(place: Place) -> None:
    first = await place.submit(A)
    async with place.watching(A) as (viewer,):
        await until(lambda: first in viewer.newest)
        await place.store.alive("worker-1", seconds=60)
        journal = place.store.journal()
        claim = await journal.claim(ROLES, tree=first)
        assert claim is not None
        await journal.commit(decision(claim))
        await place.hints.publish(first)
        await until(lambda: viewer.newest[first] == (2, "running"))
        await journal.commit(ending(claim, version=2))  # nobody is told
        await until(lambda: viewer.newest[first] == (3, "stopped"))
        second = await place.submit(A)
        await place.hints.publish(DUE)
        await until(lambda: second in viewer.newest)
        third = await place.submit(A)
        await until(lambda: third in viewer.newest)
        await place.submit(B)
    assert viewer.newest.keys() == {first, second, third}
    assert [view["seq"] for view in viewer.shown if view["task_id"] == first] == [1, 2, 3]


async def test_a_new_task_that_one_viewer_has_seen_first_reaches_the_other(place: Place) -> None:
    new = await place.submit(A)
    viewer = Viewer()
    async with place.watching(A) as (other,):
        await until(lambda: new in other.newest)
        with place.feed.follow(A, viewer.show):  # whose own pages were read before it was there
            await until(lambda: new in viewer.newest)
    assert len(other.shown) == len(viewer.shown) == 1


async def test_what_has_ended_long_ago_is_forgotten_and_not_shown_again(place: Place) -> None:
    old = OwnedView(A, {"task_id": "0197b2f0-0000-7000-8000-0000000000ff", "seq": 3,
                        "state": "stopped"})  # fmt: skip
    viewer = Viewer()
    async with place.watching(A) as (other,):
        with place.feed.follow(A, viewer.show) as watch:
            watch.see(old)
            watch.see(old)
            assert len(viewer.shown) == 1
            new = await place.submit(A)
            await until(lambda: new in viewer.newest and new in other.newest)
            await until(lambda: old.task_id not in watch.known)
    assert watch.known.keys() == {new}


async def test_while_the_store_is_away_watches_wait(place: Place) -> None:
    first = await place.submit(A)
    async with place.watching(A) as (viewer,):
        await until(lambda: first in viewer.newest)
        await place.store.pool.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        second = await place.submit(A)
        await until(lambda: second in viewer.newest)

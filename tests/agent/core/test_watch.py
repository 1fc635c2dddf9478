"""Watchers of one process: what they get, what they cost, and what may go wrong meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import ValidationError

from steersman.adapters.in_memory_journal import InMemoryTaskLog
from steersman.core.errors import StoreUnavailable
from steersman.core.events import Envelope, TaskStopped
from steersman.core.tail import RING
from tests.agent.core.making import TickingClock, call_failed, claimed, said, thought
from tests.agent.core.watching import Ground, Item, seqs, texts

END = TaskStopped(by="me")


@pytest.fixture
async def ground() -> Ground:
    ground = await Ground.make()
    await ground.commit(claimed())
    return ground


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - several watchers have no event in common
            await asyncio.sleep(0)


@asynccontextmanager
async def watchers() -> AsyncGenerator[asyncio.TaskGroup]:
    """Run watchers to the end of their log, which must come soon."""
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        yield group


async def test_who_comes_late_gets_the_text_so_far_and_then_the_rest(ground: Ground) -> None:
    async with watchers() as group:
        early, late = list[Item](), list[Item]()
        ground.say(0, "one ")
        group.create_task(ground.watch(2, early))
        await until(lambda: len(early) == 1)
        ground.say(4, "two ")
        group.create_task(ground.watch(2, late))
        await until(lambda: len(late) == 1)
        ground.say(8, "three")
        await until(lambda: len(early) == 3 and len(late) == 2)
        await ground.commit(END)
        assert texts(early) == [(0, "one "), (4, "two "), (8, "three")]
        assert texts(late) == [(0, "one two "), (8, "three")]


async def test_a_delta_that_is_ahead_of_the_log_waits_for_it_and_calls_for_it(
    ground: Ground,
) -> None:
    async with watchers() as group:
        items = list[Item]()
        group.create_task(ground.watch(2, items))
        await until(lambda: ground.log.reads == 1)
        await ground.commit(thought(step=1), hint=False)
        ground.say(0, "second")
        await until(lambda: len(items) == 2)
        await ground.commit(END)
        assert isinstance(items[0], Envelope)
        assert texts(items) == [(0, "second")]


async def test_a_recorded_thought_is_streamed_to_nobody_who_comes_later(ground: Ground) -> None:
    async with watchers() as group:
        items = list[Item]()
        ground.say(0, "one ")
        await ground.commit(thought(step=1), thought(step=2))
        group.create_task(ground.watch(ground.version, items))
        await until(lambda: ground.log.reads > 0)
        await ground.commit(END)
        await until(lambda: len(items) == 1)
        assert texts(items) == []


async def test_the_text_of_a_failed_call_is_void_and_the_next_one_begins_at_0(
    ground: Ground,
) -> None:
    async with watchers() as group:
        items, late = list[Item](), list[Item]()
        group.create_task(ground.watch(2, items))
        ground.say(0, "I think")
        await until(lambda: len(items) == 1)
        ground.deltas.end(ground.task_id)
        await ground.commit(call_failed("timeout"))
        await until(lambda: len(items) == 2)
        group.create_task(ground.watch(ground.version, late))
        ground.say(0, "I think")
        await until(lambda: len(items) == 3 and len(late) == 1)
        await ground.commit(END)
        assert texts(items) == [(0, "I think"), (0, "I think")]
        assert texts(late) == [(0, "I think")]


async def test_who_is_slower_than_the_ring_reads_the_log(ground: Ground) -> None:
    slow = list[Item]()
    watching = asyncio.create_task(ground.watch(0, slow, pace=0.001))
    await until(lambda: len(slow) == 1)
    for _ in range(3 * RING):
        await ground.commit(said())
    await ground.commit(END)
    await watching
    assert seqs(slow) == list(range(1, ground.version + 1))


async def test_many_watchers_of_one_log_read_it_once(ground: Ground) -> None:
    async with watchers() as group:
        crowd = [list[Item]() for _ in range(200)]
        for items in crowd:
            group.create_task(ground.watch(2, items))
        await until(lambda: ground.log.reads == 1)
        await ground.commit(said())
        await until(lambda: all(len(items) == 1 for items in crowd))
        assert ground.log.reads <= 2
        await ground.commit(END)


async def test_the_tailer_ends_with_the_last_watcher_and_begins_again(ground: Ground) -> None:
    for _ in range(2):
        items = list[Item]()
        watching = asyncio.create_task(ground.watch(2, items))
        await until(lambda: ground.tailer._running is not None)
        running = ground.tailer._running
        assert running is not None
        watching.cancel()
        await asyncio.wait((watching, running), timeout=5)
        assert running.done()
        assert (ground.tailer._tails, ground.tailer._listening) == ({}, {})


async def test_while_the_store_is_away_watchers_wait(ground: Ground) -> None:
    async with watchers() as group:
        old, new = list[Item](), list[Item]()
        ground.log.failure = StoreUnavailable()
        group.create_task(ground.watch(0, old))
        group.create_task(ground.watch(2, new))
        await ground.commit(said())
        await until(lambda: ground.log.reads >= 2)
        assert (old, new) == ([], [])
        ground.log.failure = None
        await ground.commit(END)
        await until(lambda: seqs(new) == [3, 4])


async def test_a_watch_is_ended_by_an_event_of_a_later_version_and_no_other_watch_is() -> None:
    log, grounds = InMemoryTaskLog(TickingClock()), list[Ground]()
    for _ in range(5):
        grounds.append(await Ground.make(log))
    stranger, *others = grounds
    for ground in grounds:
        ground.log, ground.tailer, ground.hints = others[0].log, others[0].tailer, others[0].hints
    stranger.log.unreadable = stranger.task_id
    kept = [list[Item]() for _ in others]
    async with watchers() as group:
        for other, items in zip(others, kept, strict=True):
            group.create_task(other.watch(1, items))
        with pytest.raises(ValidationError):
            await stranger.watch(1, [])
        for other in others:
            await other.commit(END)
    assert [seqs(items) for items in kept] == [[2]] * len(others)


async def test_a_bug_in_the_tailer_ends_every_watch(ground: Ground) -> None:
    ground.log.failure = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(ground.watch(2, list[Item]()), 5)


async def test_what_nobody_was_told_of_is_found_within_a_second(ground: Ground) -> None:
    items = list[Item]()
    ground.log.failure = StoreUnavailable()
    watching = asyncio.create_task(ground.watch(2, items))
    await until(lambda: ground.log.reads > 0)
    await ground.commit(said(), END, hint=False)
    await asyncio.sleep(0.05)  # that first look is on its way, and must not find this
    ground.log.failure = None
    _, pending = await asyncio.wait((watching,), timeout=5)
    for task in pending:
        task.cancel()
    assert seqs(items) == [3, 4]

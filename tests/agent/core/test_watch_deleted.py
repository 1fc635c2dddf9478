"""A task that is deleted while somebody watches it."""

import asyncio

import pytest

from steersman.adapters.in_memory_journal import InMemoryTaskLog
from steersman.core.errors import StoreUnavailable, TaskNotFound
from steersman.core.events import TaskStopped
from steersman.core.tail import RING
from tests.agent.core.making import TickingClock, said
from tests.agent.core.test_watch import until
from tests.agent.core.watching import Ground, Item, seqs

END = TaskStopped(by="me")


async def test_who_reads_an_ended_log_is_told_that_it_is_gone() -> None:
    log = InMemoryTaskLog(TickingClock())
    ground = await Ground.make(log)
    for _ in range(2 * RING):
        await ground.commit(*(said() for _ in range(10)))
    await ground.commit(END, final=True)
    items = list[Item]()
    watching = asyncio.create_task(ground.watch(0, items, pace=0.001))
    await until(lambda: len(items) == 1)
    log.delete(ground.task_id)
    with pytest.raises(TaskNotFound):
        await asyncio.wait_for(watching, 10)
    assert seqs(items) == list(range(1, len(items) + 1))
    assert len(items) < ground.version


async def test_who_waits_for_news_is_told_although_no_hint_came_and_the_store_was_away() -> None:
    log = InMemoryTaskLog(TickingClock())
    ground, other = await Ground.make(log), await Ground.make(log)
    other.tailer, other.log, other.hints = ground.tailer, ground.log, ground.hints
    items, others = list[Item](), list[Item]()
    watching = asyncio.create_task(ground.watch(0, items))
    beside = asyncio.create_task(other.watch(0, others))
    await until(lambda: bool(items) and bool(others))
    ground.log.failure = StoreUnavailable()
    # It ended and was deleted between two looks, so nobody has seen its end.
    await ground.commit(END, hint=False, final=True)
    log.delete(ground.task_id)
    ground.log.failure = None
    with pytest.raises(TaskNotFound):
        await asyncio.wait_for(watching, 10)
    await other.commit(END, final=True)
    await asyncio.wait_for(beside, 10)
    assert seqs(others) == [1, 2]

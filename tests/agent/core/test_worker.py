"""The worker: several tasks at once, and what becomes of those that it cannot go on with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.errors import (
    FenceAhead,
    LeaseLost,
    LogUnreadable,
    StoreUnavailable,
    WorkspaceBusy,
    WorkspaceLost,
    WorkspaceTaken,
)
from steersman.core.ids import TaskId, WorkerId
from steersman.core.ledger import DUE
from steersman.core.ports import Journal
from steersman.core.tool import ToolContext
from steersman.core.worker import Worker
from tests.agent.core.making import TickingClock, new_task
from tests.agent.core.playground import Playground
from tests.agent.core.playing import PlayedModel, Stage, call, forever, say, tools
from tests.agent.core.telling_journals import (
    FailingJournal,
    Released,
    ReleasingJournal,
    WatchedJournal,
)

ME = WorkerId("worker-1")
SOON, LATER = timedelta(seconds=2), timedelta(seconds=15)


class Place:
    """A store in memory with tasks in it."""

    def __init__(self) -> None:
        self.clock = TickingClock()
        self.log = InMemoryTaskLog(self.clock)
        self.log.live.add(ME)

    async def submit(self) -> TaskId:
        made = new_task(self.clock)
        await self.log.submit(made)
        return made.first.task_id

    async def types(self, task_id: TaskId) -> list[str]:
        return [e.event.type for e in await self.log.events(task_id, 0, 1_000)]

    def is_held(self, task_id: TaskId) -> bool:
        return self.log.task(task_id).worker_id is not None


async def turns(count: int) -> None:
    """Let everything go on that waits for no time to pass."""
    for _ in range(count):
        await asyncio.sleep(0)


@asynccontextmanager
async def working(
    stage: Stage, journal: Journal, *, concurrency: int = 2, grace: float = 5
) -> AsyncGenerator[Worker]:
    """Let a worker work while the context is open."""
    worker = Worker(stage.runtime(journal), ("developer",), concurrency=concurrency)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(worker.run(timedelta(seconds=grace)))
        yield worker
        worker.shutdown.asked.set()


async def test_tasks_are_worked_on_at_the_same_time_up_to_the_limit() -> None:
    place = Place()
    tasks = [await place.submit() for _ in range(3)]
    both, go_on = asyncio.Barrier(3), asyncio.Event()

    async def meet(context: ToolContext) -> str:
        if not go_on.is_set():
            await both.wait()
            await go_on.wait()
        return "met"

    replies = [say("I look.", call("look"))] * 2
    stage = Stage(PlayedModel(*replies), tools(look=meet), place.clock)
    async with working(stage, InMemoryJournal(place.log, ME)) as worker:
        await both.wait()
        assert sorted(run.task_id for run in worker.active) == tasks[:2]
        assert [run.goal for run in worker.active] == ["make it work"] * 2
        assert not place.is_held(tasks[2])
        finished = asyncio.Event()
        stage.hints.listen(tasks[2], finished.set)
        go_on.set()
        while "task_completed" not in await place.types(tasks[2]):
            await finished.wait()
            finished.clear()
    assert [(await place.types(task))[-1] for task in tasks] == ["task_completed"] * 3


async def test_a_hint_wakes_a_worker_that_has_nothing_to_do() -> None:
    place = Place()
    stage = Stage(PlayedModel(), clock=place.clock)
    journal = WatchedJournal(place.log, ME)
    async with working(stage, journal):
        await journal.looked.wait()
        task_id = await place.submit()
        await turns(20)
        assert journal.found == []
        await stage.hints.publish(DUE)
        await turns(20)  # in which no time passes: by itself it would look after 0.75 s
        assert journal.found == [task_id]


@pytest.mark.parametrize(
    ("error", "released"),
    [
        (StoreUnavailable(), Released(SOON)),
        (WorkspaceBusy(), Released(LATER)),
        (LogUnreadable(), Released(LATER)),
        (FenceAhead(9), Released(SOON, fence=9)),
        (WorkspaceLost(), Released(LATER, failed=True)),
        (WorkspaceTaken(), Released(SOON)),
        (ZeroDivisionError(), Released(SOON, failed=True)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_task_that_cannot_go_on_is_handed_back(
    error: Exception, released: Released
) -> None:
    place = Place()
    task_id = await place.submit()
    journal = FailingJournal(place.log, error)
    async with working(Stage(PlayedModel(), clock=place.clock), journal):
        assert await journal.released.get() == released
        assert not place.is_held(task_id)
        assert place.log.task(task_id).claims_since_progress == released.failed


async def test_a_claim_that_another_worker_took_over_stays_with_it() -> None:
    place = Place()
    task_id = await place.submit()
    other = InMemoryJournal(place.log, WorkerId("worker-2"))

    async def taken_over(context: ToolContext) -> str:
        place.log.live = {WorkerId("worker-2")}
        assert await other.claim(("developer",)) is not None
        return "too late"

    stage = Stage(PlayedModel(say("I look.", call("look"))), tools(look=taken_over), place.clock)
    journal = ReleasingJournal(place.log, ME)
    async with working(stage, journal):
        assert await journal.released.get() == Released(SOON)
    assert place.log.task(task_id).worker_id == "worker-2"
    assert "action_succeeded" not in await place.types(task_id)


async def test_a_claim_that_is_lost_to_nobody_is_free_at_once() -> None:
    place = Place()
    task_id = await place.submit()
    journal = FailingJournal(place.log, LeaseLost())
    async with working(Stage(PlayedModel(), clock=place.clock), journal):
        assert await journal.released.get() == Released(SOON)
        assert not place.is_held(task_id)


async def test_work_that_is_dropped_may_be_claimed_again_by_its_own_worker(
    ground: Playground,
) -> None:
    """The store may never learn that the lease was lost for a moment."""
    running, again = asyncio.Event(), asyncio.Event()

    async def twice(context: ToolContext) -> str:
        (again if running.is_set() else running).set()
        await forever()
        return "never"

    await ground.store.alive(ME, seconds=600)
    stage = Stage(PlayedModel(say("I run it.", call("look"))), tools(look=twice))
    async with working(stage, ground.store.journal(ME), grace=0) as worker:
        await running.wait()
        worker.drop_all()
        await again.wait()
    claims = [one.event for one in await ground.log() if one.event.type == "task_claimed"]
    assert len(claims) == 2


async def test_at_a_shutdown_tools_may_end_within_the_grace_and_are_cut_after_it() -> None:
    place = Place()
    task_id = await place.submit()
    running = asyncio.Event()

    async def endless(context: ToolContext) -> str:
        running.set()
        await forever()
        return "never"

    stage = Stage(PlayedModel(say("I run it.", call("run"))), tools(run=endless), place.clock)
    async with working(stage, InMemoryJournal(place.log, ME), grace=0.01):
        await running.wait()
    assert (await place.types(task_id))[-1] == "action_interrupted"
    assert not place.is_held(task_id)


async def test_work_that_is_dropped_commits_nothing_more() -> None:
    place = Place()
    task_id = await place.submit()
    running = asyncio.Event()

    async def endless(context: ToolContext) -> str:
        running.set()
        await forever()
        return "never"

    stage = Stage(PlayedModel(say("I run it.", call("run"))), tools(run=endless), place.clock)
    async with working(stage, InMemoryJournal(place.log, ME)) as worker:
        await running.wait()
        worker.drop_all()
    assert (await place.types(task_id))[-1] == "action_started"
    assert place.is_held(task_id)

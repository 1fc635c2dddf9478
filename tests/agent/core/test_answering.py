"""Commands on a task that nobody works on, and what becomes of it when answering them fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.adapters.postgres.pool import PATIENCE, PostgresPool, T, Work
from steersman.adapters.postgres.tasks import PostgresTaskStore
from steersman.core.answering import answer_for_nobody
from steersman.core.commands import InboxEntry
from steersman.core.errors import StoreUnavailable
from steersman.core.events import ActionInterrupted, TaskClaimed
from steersman.core.ids import TaskId, WorkerId
from steersman.core.limits import Usage
from steersman.core.model import CallFailed
from steersman.core.ports import StoredHistory
from tests.agent.core.making import action, began, kinds, thought
from tests.agent.core.playground import Playground, types
from tests.agent.core.playing import PlayedModel, Stage
from tests.agent.postgres.making import HOST, ROLES, decision, message, stop

API = "api"
API_ID = WorkerId(API)


class MeddledJournal(PostgresJournal):
    """A journal in which something happens whenever a log is read."""

    meddle: Callable[[], Awaitable[object]]

    async def history(self, task_id: TaskId) -> StoredHistory:
        await self.meddle()
        return await super().history(task_id)


def meddled(ground: Playground, meddle: Callable[[], Awaitable[object]]) -> MeddledJournal:
    journal = MeddledJournal(ground.store.pool, API_ID, HOST)
    journal.meddle = meddle
    return journal


async def answer(ground: Playground, journal: PostgresJournal) -> None:
    await answer_for_nobody(ground.task_id, Stage(PlayedModel()).recording(journal))


async def claimable(ground: Playground) -> bool:
    await ground.store.alive("worker-2", seconds=60)
    return await ground.store.journal("worker-2").claim(ROLES) is not None


async def broken() -> None:
    raise StoreUnavailable


class UnsteadyPool(PostgresPool):
    """A pool whose database can be made to go away."""

    is_away = False

    async def goes_away(self) -> None:
        self.is_away = True

    async def run(self, work: Work[T], *, patience: timedelta = PATIENCE) -> T:
        if self.is_away:
            raise StoreUnavailable
        return await super().run(work, patience=patience)


class StoppedJournal(PostgresJournal):
    """A journal in which a stop follows what was read of the inbox."""

    is_stopped = False

    async def inbox(self, task_id: TaskId, after: int) -> tuple[InboxEntry, ...]:
        entries = await super().inbox(task_id, after)
        if not self.is_stopped:
            self.is_stopped = True
            await PostgresTaskStore(self._pool, HOST).post(stop(task_id))
        return entries


async def dies_in_a_call(ground: Playground) -> None:
    """Leave a command behind that was running when its worker died."""
    claim = await ground.claim()
    claimed = TaskClaimed(worker_id=claim.worker_id, attempt=1, reason="new")
    calling = thought(action("a", "run"))
    await ground.journal.commit(decision(claim, claimed, calling, began("a")))
    await ground.store.alive(claim.worker_id, seconds=-1)


async def test_a_task_whose_command_could_not_be_answered_is_for_the_workers(
    ground: Playground,
) -> None:
    await ground.store.alive(API, seconds=600)
    await ground.store.tasks.post(message(ground.task_id))
    with pytest.raises(StoreUnavailable):
        await answer(ground, meddled(ground, broken))
    assert await claimable(ground)


async def test_a_task_is_for_the_workers_when_the_one_who_asked_goes_away(
    ground: Playground,
) -> None:
    await ground.store.alive(API, seconds=600)
    await ground.store.tasks.post(message(ground.task_id))
    reading = asyncio.Event()

    async def endless() -> None:
        reading.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer(ground, meddled(ground, endless)))
        await reading.wait()
        answering.cancel()
    assert await claimable(ground)


async def test_a_task_that_could_not_even_be_handed_back_is_free_when_the_store_answers(
    ground: Playground, database_url: str
) -> None:
    """This process plays another role: none of its own claims would find the task."""
    await ground.store.alive(API, seconds=600)
    await ground.store.tasks.post(message(ground.task_id))
    pool = await UnsteadyPool.open(database_url, size=2)
    assert isinstance(pool, UnsteadyPool)
    journal = MeddledJournal(pool, API_ID, HOST)
    journal.meddle = pool.goes_away
    with pytest.raises(StoreUnavailable):
        await answer(ground, journal)
    assert not await claimable(ground)
    pool.is_away = False
    assert await journal.claim(("tester",)) is None
    assert await claimable(ground)
    await pool.close()


async def test_a_stop_that_comes_meanwhile_does_not_claim_to_know_what_came_of_a_call(
    ground: Playground,
) -> None:
    """The call's worker died; the stop arrives when the API has read the inbox."""
    await dies_in_a_call(ground)
    await ground.store.tasks.post(message(ground.task_id))
    recording = Stage(PlayedModel()).recording(StoppedJournal(ground.store.pool, API_ID, HOST))
    await answer_for_nobody(ground.task_id, recording)
    log = [envelope.event for envelope in await ground.log()]
    [cut] = [event for event in log if isinstance(event, ActionInterrupted)]
    assert cut.reason == "outcome_unknown"
    assert kinds(log)[-1] == "task_stopped"


async def test_what_was_running_stays_open_for_the_next_worker_when_a_message_comes(
    ground: Playground,
) -> None:
    await dies_in_a_call(ground)
    await ground.store.tasks.post(message(ground.task_id))
    await answer(ground, ground.store.journal(API))
    assert types(await ground.log())[-2:] == ["action_started", "message_added"]


async def test_a_message_ends_the_wait_for_a_model(ground: Playground) -> None:
    failed = CallFailed("rate_limited", "later", Usage(), retry_after_seconds=600)
    await ground.work(Stage(PlayedModel(failed)))
    assert not await claimable(ground)
    await ground.store.tasks.post(message(ground.task_id))
    await answer(ground, ground.store.journal(API))
    assert await claimable(ground)

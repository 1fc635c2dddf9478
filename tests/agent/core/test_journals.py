"""What every Journal does: the one in Postgres, and the one in memory that other tests run on."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

import pytest

from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.clock import SystemClock
from steersman.core.commands import AddMessage
from steersman.core.errors import InboxMoved, LeaseLost, TaskEnded, TaskNotFound
from steersman.core.events import ContextCompacted
from steersman.core.ids import TaskId, WorkerId
from steersman.core.limits import Usage
from steersman.core.ports import Claim, Journal, Posting
from tests.agent.postgres.making import (
    ROLES,
    Store,
    decision,
    ending,
    opened,
    posting,
    said,
    submission,
)

ONE, TWO = WorkerId("worker-1"), WorkerId("worker-2")


@dataclass
class InPostgres:
    """A real store. Each worker keeps its journal, which knows what it holds."""

    store: Store
    journals: dict[WorkerId, Journal]

    async def submit(self) -> TaskId:
        made = submission()
        await self.store.tasks.submit(made)
        return made.first.task_id

    async def post(self, command: Posting) -> None:
        await self.store.tasks.post(command)

    async def kill(self, worker_id: WorkerId) -> None:
        await self.store.alive(worker_id, seconds=-1)

    async def seqs(self, task_id: TaskId) -> list[int]:
        return [envelope.seq for envelope in await self.store.tasks.events(task_id, 0, 100)]


@dataclass
class InMemory:
    """The store of one process."""

    log: InMemoryTaskLog
    journals: dict[WorkerId, Journal]

    async def submit(self) -> TaskId:
        made = submission()
        await self.log.submit(made)
        return made.first.task_id

    async def post(self, command: Posting) -> None:
        await self.log.post(command)

    async def kill(self, worker_id: WorkerId) -> None:
        self.log.live.discard(worker_id)

    async def seqs(self, task_id: TaskId) -> list[int]:
        return [envelope.seq for envelope in await self.log.events(task_id, 0, 100)]


@pytest.fixture(params=["memory", "postgres"])
def address(request: pytest.FixtureRequest) -> str | None:
    """Where the database is, None for memory. Not async: making a database runs a loop."""
    return request.getfixturevalue("database_url") if request.param == "postgres" else None


@pytest.fixture
async def side(address: str | None) -> AsyncGenerator[InPostgres | InMemory]:
    if address is None:
        log = InMemoryTaskLog(SystemClock())
        log.live |= {ONE, TWO}
        yield InMemory(log, {worker: InMemoryJournal(log, worker) for worker in (ONE, TWO)})
        return
    async with opened(address) as store:
        for worker in (ONE, TWO):
            await store.alive(worker, seconds=60)
        yield InPostgres(store, {worker: store.journal(worker) for worker in (ONE, TWO)})


async def claimed(side: InPostgres | InMemory) -> Claim:
    await side.submit()
    claim = await side.journals[ONE].claim(ROLES)
    assert claim is not None
    return claim


def hello(claim: Claim) -> Posting:
    return posting(claim.task_id, AddMessage(text="hello"))


async def test_a_task_is_claimed_by_one_worker(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    assert (claim.epoch, claim.version, claim.taken_over) == (1, 1, False)
    assert claim.workspace is not None
    assert await side.journals[TWO].claim(ROLES) is None
    assert await side.journals[TWO].claim_for_command(claim.task_id) is None


async def test_only_tasks_of_the_roles_and_the_tree_are_claimed(
    side: InPostgres | InMemory,
) -> None:
    await side.submit()
    wanted = await side.submit()
    assert await side.journals[ONE].claim(("tester",)) is None
    claim = await side.journals[ONE].claim(ROLES, wanted)
    assert claim is not None
    assert claim.task_id == wanted


async def test_a_takeover_fences_the_worker_that_was_thought_dead(
    side: InPostgres | InMemory,
) -> None:
    old = await claimed(side)
    await side.kill(ONE)
    new = await side.journals[TWO].claim(ROLES)
    assert new is not None
    assert (new.epoch, new.taken_over, new.claims_since_progress) == (2, True, 1)
    assert old.workspace
    assert new.workspace
    assert new.workspace.fence > old.workspace.fence
    with pytest.raises(LeaseLost):
        await side.journals[ONE].commit(decision(old))
    await side.journals[TWO].commit(decision(new))
    assert await side.seqs(new.task_id) == [1, 2]


async def test_a_commit_needs_the_version_that_it_was_decided_on(
    side: InPostgres | InMemory,
) -> None:
    claim = await claimed(side)
    await side.journals[ONE].commit(decision(claim))
    for version in (1, 3):
        with pytest.raises(LeaseLost):
            await side.journals[ONE].commit(decision(claim, version=version))
    assert await side.seqs(claim.task_id) == [1, 2]


async def test_the_same_commit_twice_is_one(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    for made in (decision(claim, said("one"), said("two")), ending(claim, version=3)):
        await side.journals[ONE].commit(made)
        await side.journals[ONE].commit(made)
    assert await side.seqs(claim.task_id) == [1, 2, 3, 4]


async def test_a_decision_that_has_not_seen_a_command_fails(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    await side.post(hello(claim))
    with pytest.raises(InboxMoved):
        await side.journals[ONE].commit(decision(claim, seen_inbox=0))
    (entry,) = await side.journals[ONE].inbox(claim.task_id, 0)
    assert (entry.n, entry.command) == (1, AddMessage(text="hello"))
    await side.journals[ONE].commit(replace(decision(claim, seen_inbox=1), inbox_done=1))
    assert await side.journals[ONE].inbox(claim.task_id, 1) == ()


async def test_a_task_that_waits_is_claimed_when_a_command_comes(
    side: InPostgres | InMemory,
) -> None:
    claim = await claimed(side)
    await side.journals[ONE].commit(decision(claim, due_at=None, release=True))
    assert await side.journals[TWO].claim(ROLES) is None
    await side.post(hello(claim))
    again = await side.journals[TWO].claim(ROLES)
    assert again is not None
    assert (again.epoch, again.inbox_seq, again.inbox_done, again.taken_over) == (2, 1, 0, False)


async def test_a_command_that_nobody_answered_keeps_the_task_due(
    side: InPostgres | InMemory,
) -> None:
    claim = await claimed(side)
    await side.post(hello(claim))
    await side.journals[ONE].commit(decision(claim, due_at=None, release=True))
    assert await side.journals[TWO].claim(ROLES) is not None


async def test_a_command_is_answered_where_nobody_works(side: InPostgres | InMemory) -> None:
    task_id = await side.submit()
    claim = await side.journals[ONE].claim_for_command(task_id)
    assert claim is not None
    assert claim.workspace is None
    await side.journals[ONE].commit(decision(claim, release=True))
    assert await side.journals[TWO].claim(ROLES) is not None


async def test_an_ended_task_takes_nothing_more(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    await side.journals[ONE].commit(ending(claim))
    with pytest.raises(LeaseLost):
        await side.journals[ONE].commit(decision(claim, version=2))
    with pytest.raises(TaskEnded):
        await side.post(hello(claim))
    assert await side.journals[TWO].claim(ROLES) is None
    assert await side.journals[TWO].claim_for_command(claim.task_id) is None


async def test_a_release_without_an_event_counts_when_it_was_a_failure(
    side: InPostgres | InMemory,
) -> None:
    counts: list[int] = []
    await side.submit()
    for failed in (True, False, True):
        claim = await side.journals[ONE].claim(ROLES)
        assert claim is not None
        counts.append(claim.claims_since_progress)
        await side.journals[ONE].release(claim, failed=failed)
    assert counts == [0, 1, 1]


async def test_history_begins_after_what_was_compacted(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    await side.journals[ONE].commit(decision(claim, said("one"), said("two")))
    compacted = ContextCompacted(through_seq=2, summary="one", usage=Usage())
    made = replace(decision(claim, compacted, version=3), checkpoint={"seq": 4})
    await side.journals[ONE].commit(made)
    history = await side.journals[ONE].history(claim.task_id)
    assert (history.checkpoint, history.checkpoint_seq) == ({"seq": 4}, 4)
    assert [envelope.seq for envelope in history.envelopes] == [3, 4]


async def test_artifacts_belong_to_their_task(side: InPostgres | InMemory) -> None:
    claim = await claimed(side)
    kept = replace(decision(claim), artifacts={"abc": b"\0whole"})
    await side.journals[ONE].commit(kept)
    assert await side.journals[TWO].artifact(claim.task_id, "abc") == b"\0whole"
    assert await side.journals[TWO].artifact(claim.task_id, "def") is None


async def test_a_task_that_does_not_exist_has_no_history(side: InPostgres | InMemory) -> None:
    with pytest.raises(TaskNotFound):
        await side.journals[ONE].history(submission().first.task_id)

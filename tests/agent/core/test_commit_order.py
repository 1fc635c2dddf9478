"""What comes after a commit and never before it, and what a commit must have seen."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from steersman.adapters.in_memory import InMemoryHints, InMemoryViewCache
from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.approvals import arguments_sha256
from steersman.core.commands import AddMessage
from steersman.core.errors import StoreUnavailable
from steersman.core.events import ApprovalRequested, Event, JsonObject
from steersman.core.ids import ActionId, ApprovalId, TaskId, WorkerId
from steersman.core.ledger import Ledger, restore
from steersman.core.ports import Claim, Decision
from steersman.core.runtime import NoTelemetry, Recording
from tests.agent.core.approving import decision_on
from tests.agent.core.making import (
    TickingClock,
    action,
    claimed,
    kinds,
    new_task,
    posting,
    thought,
)

TTL = timedelta(minutes=30)


class ToldJournal(InMemoryJournal):
    """A journal that tells of its commits; a broken one fails instead."""

    def __init__(self, log: InMemoryTaskLog, told: list[str]) -> None:
        super().__init__(log, WorkerId("worker-1"))
        self._told = told
        self.is_broken = False

    async def commit(self, decision: Decision) -> int:
        if self.is_broken:
            raise StoreUnavailable
        size_bytes = await super().commit(decision)
        self._told.append("commit")
        return size_bytes


class ToldCache(InMemoryViewCache):
    """A cache that tells of its copies."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    async def put(self, task_id: TaskId, epoch: int, version: int, view: JsonObject) -> None:
        self._told.append("copy")
        await super().put(task_id, epoch, version, view)


class ToldHints(InMemoryHints):
    """Hints that tell of themselves."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    async def publish(self, topic: str) -> None:
        self._told.append("hint")
        await super().publish(topic)


@dataclass
class Desk:
    """A task and what is told of it."""

    clock: TickingClock
    log: InMemoryTaskLog
    journal: ToldJournal
    recording: Recording
    told: list[str]

    @classmethod
    async def make(cls) -> "Desk":
        clock, told = TickingClock(), list[str]()
        log = InMemoryTaskLog(clock)
        await log.submit(new_task(clock))
        journal = ToldJournal(log, told)
        recording = Recording(journal, ToldCache(told), ToldHints(told), clock, NoTelemetry())
        return cls(clock, log, journal, recording, told)

    async def claim(self) -> Claim:
        claim = await self.journal.claim(("developer",))
        assert claim is not None
        return claim

    async def ledger(self, claim: Claim) -> Ledger:
        return Ledger(claim, restore(await self.journal.history(claim.task_id)), self.recording)

    async def ask(self) -> TaskId:
        """Commit a call that waits for a person until TTL has passed."""
        ledger = await self.ledger(await self.claim())
        await ledger.record((claimed(), thought(action("a", "run")), self._request()))
        assert ledger.released
        return ledger.state.task_id

    def _request(self) -> Event:
        return ApprovalRequested(
            approval_id=ApprovalId("approval"),
            action_id=ActionId("a"),
            tool="run",
            arguments={},
            arguments_sha256=arguments_sha256({}),
            reason="always",
            expires_at=self.clock.now() + TTL,
        )


async def test_the_copy_and_the_hint_come_after_the_commit() -> None:
    desk = await Desk.make()
    ledger = await desk.ledger(await desk.claim())
    await ledger.record((claimed(),))
    assert desk.told == ["commit", "copy", "hint"]


async def test_nothing_is_told_of_a_commit_that_failed() -> None:
    desk = await Desk.make()
    ledger = await desk.ledger(await desk.claim())
    desk.journal.is_broken = True
    with pytest.raises(StoreUnavailable):
        await ledger.record((claimed(),))
    assert desk.told == []


async def test_a_command_is_answered_once() -> None:
    desk = await Desk.make()
    ledger = await desk.ledger(await desk.claim())
    await desk.log.post(posting(ledger.state.task_id, AddMessage(text="Use tabs.")))
    await ledger.look()
    committed = await ledger.record((claimed(),))
    assert kinds(envelope.event for envelope in committed) == ["task_claimed", "message_added"]
    assert (await ledger.look(), await ledger.record(())) == ((), ())


async def test_an_expiry_does_not_overtake_a_decision() -> None:
    desk = await Desk.make()
    task_id = await desk.ask()
    desk.clock.forward(desk.clock.now() + TTL)
    ledger = await desk.ledger(await desk.claim())
    command, ruling = decision_on(ledger.state.approvals[0], "approve")
    await desk.log.post(replace(posting(task_id, command), ruling=ruling))
    committed = await ledger.record(())
    assert [e.event.model_dump().get("decision") for e in committed] == ["approved"]


async def test_an_approval_expires_by_the_clock_of_the_store() -> None:
    desk = await Desk.make()
    claim = await desk.journal.claim_for_command(await desk.ask())
    assert claim is not None
    late = replace(claim, at=desk.clock.now() + TTL)
    committed = await (await desk.ledger(late)).record(())
    assert kinds(e.event for e in committed) == ["approval_decided", "action_failed rejected"]

"""One task in a real store, and whoever works on it."""

from dataclasses import dataclass, field

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.core.commands import Command
from steersman.core.events import (
    Envelope,
)
from steersman.core.ids import TaskId
from steersman.core.interruption import Shutdown
from steersman.core.ledger import inbox_topic
from steersman.core.loop import TaskRun
from steersman.core.ports import Claim
from tests.agent.core.making import kinds
from tests.agent.core.playing import (
    Stage,
)
from tests.agent.postgres.making import ROLES, Store, posting


@dataclass
class Playground:
    """One task in a real store, and whoever works on it."""

    store: Store
    task_id: TaskId
    journal: PostgresJournal
    shutdown: Shutdown = field(default_factory=Shutdown)

    async def claim(self, worker_id: str = "worker-1") -> Claim:
        """Take the task as another process would."""
        await self.store.alive(worker_id, seconds=60)
        self.journal = self.store.journal(worker_id)
        claim = await self.journal.claim(ROLES)
        assert claim is not None
        return claim

    async def work(self, stage: Stage, worker_id: str = "worker-1") -> list[Envelope]:
        """Claim, work until the task is handed back, and return the log."""
        await self.run(stage, await self.claim(worker_id)).work()
        return await self.log()

    def run(self, stage: Stage, claim: Claim) -> TaskRun:
        runtime = stage.runtime(self.journal, claim.worker_id)
        return TaskRun(claim, runtime, self.shutdown)

    async def post(self, stage: Stage, command: Command) -> None:
        await self.store.tasks.post(posting(self.task_id, command))
        await stage.hints.publish(inbox_topic(self.task_id))

    async def log(self) -> list[Envelope]:
        return list(await self.store.tasks.events(self.task_id, 0, 1_000))

    async def commits(self) -> list[list[str]]:
        """Return the types of the events of each commit, in their order."""
        rows = await self.store.pool.fetch("SELECT commit_id, type FROM events ORDER BY seq")
        found: dict[object, list[str]] = {}
        for row in rows:
            found.setdefault(row["commit_id"], []).append(row["type"])
        return list(found.values())


def types(log: list[Envelope]) -> list[str]:
    return kinds(envelope.event for envelope in log)

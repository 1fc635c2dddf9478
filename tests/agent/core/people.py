"""What people do, on a real store: submit, command, decide; and workers that come and go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from steersman.adapters.postgres.approvals import PostgresApprovalStore
from steersman.core.approval_desk import ApprovalFilter, Approvals
from steersman.core.commands import Command, DecideApproval
from steersman.core.events import Envelope, JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.interruption import Shutdown
from steersman.core.loop import TaskRun
from steersman.core.new_task import NewTask
from steersman.core.tasks import Defaults, Tasks
from tests.agent.core.playing import Stage
from tests.agent.postgres.making import ME, Store

LEASE_SECONDS = 60.0


@dataclass
class People:
    """A process that serves people but does not work, and the workers that a test calls."""

    store: Store
    stage: Stage
    shutdown: Shutdown = field(default_factory=Shutdown)

    def __post_init__(self) -> None:
        recording = self.stage.recording(self.store.journal("api"))
        self.tasks = Tasks(
            self.store.tasks,
            recording,
            team=self.stage.team,
            defaults=Defaults("developer"),
            deltas=self.stage.deltas,
        )
        store = PostgresApprovalStore(self.store.pool)
        self.approvals = Approvals(store, self.tasks, self.stage.tools)
        self._numbers = count(1)

    async def submit(
        self,
        goal: str = "make it work",
        conversation_id: str | None = None,
        *,
        role: str = "developer",
        limits: Mapping[str, Any] | None = None,
    ) -> TaskId:
        """Ask for something."""
        wish = NewTask(
            goal=goal, role=role, conversation_id=conversation_id, limits=dict(limits or {})
        )
        return TaskId((await self.tasks.submit(wish, ME))["task_id"])

    async def post(self, task_id: TaskId, command: Command) -> JsonObject:
        """Command the task as its owner."""
        return await self.tasks.post(task_id, ME, command)

    async def claimed(self) -> TaskRun | None:
        """Have a new worker, whose lease stands, claim what is due."""
        worker_id = f"worker-{next(self._numbers)}"
        await self.store.alive(worker_id, seconds=LEASE_SECONDS)
        journal = self.store.journal(worker_id)
        claim = await journal.claim(tuple(self.stage.team.roles))
        if claim is None:
            return None
        return TaskRun(claim, self.stage.runtime(journal, worker_id), self.shutdown)

    async def work(self) -> None:
        """Let worker after worker claim, until nothing is due."""
        while run := await self.claimed():
            await run.work()

    async def workers_die(self) -> None:
        """Let every lease end."""
        await self.store.pool.fetch("UPDATE workers SET lease_until = now() - interval '1 s'")

    async def log(self, task_id: TaskId) -> list[Envelope]:
        """Read a whole log."""
        return list(await self.store.tasks.events(task_id, 0, 10_000))

    async def pending(self, owner_id: OwnerId = ME) -> list[JsonObject]:
        """List what waits for a person, in the order in which it was asked for."""
        page = await self.approvals.list(ApprovalFilter(owner_id, states=("pending",)))
        return list(page.items)[::-1]

    async def decide(
        self,
        shown: JsonObject,
        decision: str = "approve",
        *,
        command_id: str | None = None,
        **fields: Any,
    ) -> JsonObject:
        """Decide on what was shown."""
        wish = {"decision": decision, "arguments_sha256": shown["arguments_sha256"], **fields}
        made = DecideApproval.model_validate({"approval_id": shown["approval_id"], **wish})
        return await self.approvals.decide(made, ME, command_id=command_id)

"""The log and the claims on it: claim, read, commit, release. Fences are in the statements.

A commit is safe to repeat: its `commit_id` stands in the log once or not at all, so after an
answer that got lost the same transaction runs again and finds itself.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from steersman.adapters.postgres.commit import commit
from steersman.adapters.postgres.commit_others import (
    Committed,
    commit_with_others,
    concerns_others,
)
from steersman.adapters.postgres.conversations import to_earlier
from steersman.adapters.postgres.pool import COMMIT_PATIENCE, Connection, PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import (
    CONTRACT_VERSION,
    from_json,
    task_uuid,
    to_envelope,
    to_inbox_entry,
    to_workspace,
)
from steersman.core.approvals import Remembered
from steersman.core.commands import InboxEntry
from steersman.core.conversation import MOST_EARLIER, Earlier
from steersman.core.errors import LeaseLost, LogUnreadable, TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId, WorkerId
from steersman.core.ledger import DUE
from steersman.core.ports import NOW, Claim, Decision, Hints, StoredHistory, WorkspaceRef
from steersman.core.runtime import Failpoints, NoFailpoints

_SQL = load_queries(Path(__file__).with_suffix(".sql"))
_TASKS = load_queries(Path(__file__).with_name("tasks.sql"))
_A_MOMENT = timedelta(seconds=15)
"""How long answering a command may take before the task counts as left behind."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """Until when a claim of this process stands, unless it is released before."""

    epoch: int
    until: float


class PostgresJournal:
    """The port Journal. One per worker id; every claim must be released, also after errors."""

    def __init__(
        self,
        pool: PostgresPool,
        worker_id: WorkerId,
        host_id: str,
        *,
        hints: Hints | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        self._pool = pool
        self._worker_id = worker_id
        self._host_id = host_id
        self._hints = hints
        self._failpoints = failpoints or NoFailpoints()
        self._held: dict[UUID, _Hold] = {}
        self._strays: set[UUID] = set()
        self._claiming = asyncio.Lock()

    async def claim(self, roles: Sequence[str], tree: TaskId | None = None) -> Claim | None:
        """Claim the task that has been due longest, with its workspace."""
        async with self._claiming:
            await self._free_strays()
            while True:
                row = await self._pool.fetchrow(
                    _SQL["claim"],
                    self._worker_id,
                    self._host_id,
                    list(roles),
                    CONTRACT_VERSION,
                    self._held_now(),
                    task_uuid(tree) if tree else None,
                )
                if row is None:
                    return None
                if row["id"] is not None:
                    return self._own(row, to_work=True)
                # Another worker was faster with this one; there may be more.

    async def claim_for_command(self, task_id: TaskId) -> Claim | None:
        """Claim a task that nobody holds, to answer its inbox, whatever its role."""
        async with self._claiming:
            await self._free_strays()
            self._strays.add(task_uuid(task_id))  # until the answer says how it stands
            row = await self._pool.fetchrow(
                _SQL["claim_for_command"],
                self._worker_id,
                task_uuid(task_id),
                self._held_now(),
                CONTRACT_VERSION,
            )
            self._strays.discard(task_uuid(task_id))
            return self._own(row, to_work=False) if row else None

    async def _free_strays(self) -> None:
        """Hand back what was claimed for a command, and the store may not know that it is over.

        It may be of a role that this worker does not play, so that no claim of its would find it.
        """
        strays = self._strays.difference(self._held_now())
        if strays:
            await self._pool.fetch(_SQL["free"], self._worker_id, list(strays))
            self._strays -= strays

    async def acquire_workspace(self, claim: Claim) -> WorkspaceRef | None:
        """Take the workspace for a claim that came without it."""
        ids = UUID(claim.task_id), claim.epoch, claim.worker_id, self._host_id
        row = await self._pool.fetchrow(_SQL["acquire_workspace"], *ids)
        return None if row is None else to_workspace(row["id"], row)

    def _own(self, row: asyncpg.Record, *, to_work: bool) -> Claim:
        seconds = math.inf if to_work else _A_MOMENT.total_seconds()
        self._held[row["id"]] = _Hold(row["epoch"], time.monotonic() + seconds)
        return Claim(
            task_id=TaskId(str(row["id"])),
            worker_id=self._worker_id,
            epoch=row["epoch"],
            version=row["version"],
            inbox_seq=row["inbox_seq"],
            inbox_done=row["inbox_done"],
            claims_since_progress=row["claims_since_progress"],
            taken_over=row["expired"],
            at=row["at"],
            to_work=to_work,
            workspace=to_workspace(row["workspace_id"], row) if to_work and row["fence"] else None,
        )

    async def history(self, task_id: TaskId) -> StoredHistory:
        """Read the checkpoint and the events since the last compaction."""

        async def read(connection: Connection) -> StoredHistory:
            task = await connection.fetchrow(_SQL["history"], task_uuid(task_id))
            if task is None:
                raise TaskNotFound
            since = task["compacted_through"]
            rows = await connection.fetch(_SQL["events_after"], task_uuid(task_id), since, None)
            return StoredHistory(
                checkpoint=from_json(task["checkpoint"]) if task["checkpoint"] else None,
                checkpoint_seq=task["checkpoint_seq"],
                envelopes=tuple(to_envelope(task_id, row) for row in rows),
            )

        try:
            return await self._pool.run(read)
        except ValidationError as error:
            raise LogUnreadable from error

    async def inbox(self, task_id: TaskId, after: int) -> tuple[InboxEntry, ...]:
        """Read the commands past number `after`."""
        rows = await self._pool.fetch(_SQL["inbox"], task_uuid(task_id), after)
        return tuple(to_inbox_entry(row) for row in rows)

    async def artifact(self, task_id: TaskId, name: str) -> bytes | None:
        """Read what was too long for an event."""
        row = await self._pool.fetchrow(_SQL["artifact"], task_uuid(task_id), name)
        return row["bytes"] if row else None

    async def remembered(self, task_id: TaskId) -> Remembered:
        """Read what people have approved for the rest of the task's conversation."""
        rows = await self._pool.fetch(_SQL["remembered"], task_uuid(task_id))
        return {(row["tool"], row["what"]): OwnerId(row["decided_by"]) for row in rows}

    async def earlier(self, task_id: TaskId) -> Earlier:
        """Read what had ended in the conversation before the task began, the newest of it."""
        rows = await self._pool.fetch(_SQL["earlier"], task_uuid(task_id), MOST_EARLIER)
        return to_earlier(rows)

    async def child(self, task_id: TaskId, child_id: TaskId) -> JsonObject | None:
        """Read the view of a task's child."""
        row = await self._pool.fetchrow(_TASKS["child"], task_uuid(task_id), child_id)
        return None if row is None else from_json(row["view"])

    async def commit(self, decision: Decision) -> int:
        """Write the decision, or find that it was written before."""
        try:
            if concerns_others(decision):
                size = await self._commit_with_others(decision)
            else:
                size = await self._pool.run(
                    lambda connection: self._commit(connection, decision), patience=COMMIT_PATIENCE
                )
        except LeaseLost:
            self.disown(decision.claim)
            raise
        if decision.final or decision.release:
            self.disown(decision.claim)
        return size

    async def _commit(self, connection: Connection, decision: Decision) -> int:
        size = await commit(connection, decision)
        self._failpoints.reach("acknowledged")
        return size

    async def _commit_with_others(self, decision: Decision) -> int:
        async def commit_all(connection: Connection) -> Committed:
            async with connection.transaction():
                done = await commit_with_others(connection, decision)
            self._failpoints.reach("acknowledged")
            return done

        committed = await self._pool.run(commit_all, patience=COMMIT_PATIENCE)
        if committed.handed_over and self._hints:
            await self._hints.publish(DUE)
        return committed.size_bytes

    async def release(
        self, claim: Claim, *, after: timedelta = NOW, failed: bool = False, fence: int = 0
    ) -> None:
        """Hand the task back; where that cannot be told, this worker may claim it again."""
        arguments = (UUID(claim.task_id), claim.epoch, claim.worker_id, after, failed, fence)
        if not claim.to_work:
            self._strays.add(UUID(claim.task_id))  # until the store knows that it is free
        try:
            await self._pool.run(lambda connection: connection.execute(_SQL["release"], *arguments))
            self._strays.discard(UUID(claim.task_id))
        finally:
            self.disown(claim)

    def disown(self, claim: Claim) -> None:
        """Forget that the task is ours, unless it was claimed again since."""
        task_id = UUID(claim.task_id)
        hold = self._held.get(task_id)
        if hold is not None and hold.epoch == claim.epoch:
            del self._held[task_id]

    def _held_now(self) -> list[UUID]:
        now = time.monotonic()
        return [task_id for task_id, hold in self._held.items() if hold.until > now]

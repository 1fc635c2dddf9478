"""Journals in memory that tell what a worker does with them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.ids import TaskId, WorkerId
from steersman.core.ports import NOW, Claim, Decision


class Released(NamedTuple):
    """How a claim was handed back."""

    after: timedelta
    failed: bool = False
    fence: int = 0


class ReleasingJournal(InMemoryJournal):
    """A journal that tells how claims are released without a commit."""

    def __init__(self, log: InMemoryTaskLog, worker_id: WorkerId) -> None:
        super().__init__(log, worker_id)
        self.released: asyncio.Queue[Released] = asyncio.Queue()

    async def release(
        self, claim: Claim, *, after: timedelta = NOW, failed: bool = False, fence: int = 0
    ) -> None:
        await super().release(claim, after=after, failed=failed, fence=fence)
        self.released.put_nowait(Released(after, failed, fence))


class FailingJournal(ReleasingJournal):
    """A journal whose commits fail."""

    def __init__(self, log: InMemoryTaskLog, error: Exception) -> None:
        super().__init__(log, WorkerId("worker-1"))
        self._error = error

    async def commit(self, decision: Decision) -> int:
        raise self._error


class WatchedJournal(InMemoryJournal):
    """A journal that tells when a worker has looked for work, and what it has found."""

    def __init__(self, log: InMemoryTaskLog, worker_id: WorkerId) -> None:
        super().__init__(log, worker_id)
        self.looked = asyncio.Event()
        self.found: list[TaskId] = []

    async def claim(self, roles: Sequence[str], tree: TaskId | None = None) -> Claim | None:
        claim = await super().claim(roles, tree)
        self.looked.set()
        self.found += [claim.task_id] if claim else []
        return claim

"""The worker: claim due tasks of our roles, work on several at once, hand them back at the end.

No failure of one task ends the worker. A run that cannot go on because the store is away or
because of a bug hands its task back when it can; the epoch keeps it from writing meanwhile.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from datetime import timedelta

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
from steersman.core.interruption import Shutdown
from steersman.core.ledger import DUE
from steersman.core.loop import TaskRun
from steersman.core.ports import Claim
from steersman.core.runtime import Runtime

_log = logging.getLogger(__name__)

_RETRY = timedelta(seconds=2)
_RETRY_LATER = timedelta(seconds=15)
"""When what stands in the way needs somebody else: a holder that ends, a newer worker, a disk."""


class Worker:
    """Work on up to `concurrency` tasks of `roles` until the shutdown is asked for.

    `tree`: only on this root task and what comes of it.
    """

    def __init__(
        self,
        runtime: Runtime,
        roles: Sequence[str],
        *,
        concurrency: int,
        tree: TaskId | None = None,
    ) -> None:
        self._runtime = runtime
        self.roles = tuple(roles)
        self._tree = tree
        self._slots = asyncio.Semaphore(concurrency)
        self._runs: dict[TaskRun, asyncio.Task[None]] = {}
        self.concurrency = concurrency
        self.shutdown = Shutdown()
        self.active_changed = asyncio.Event()
        """Set when a task is begun or given away; for one listener, who clears it."""

    @property
    def worker_id(self) -> WorkerId:
        """Return under which name it claims."""
        return self._runtime.worker_id

    @property
    def active(self) -> tuple[TaskRun, ...]:
        """Return what is being worked on, the oldest first."""
        return tuple(self._runs)

    async def run(self, grace: timedelta) -> None:
        """Claim and work. After the shutdown is asked for, tools get `grace` to end."""
        wake = asyncio.Event()
        unlisten = self._runtime.recording.hints.listen(DUE, wake.set)
        try:
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(self.shutdown.asked.wait())
                while not self.shutdown.asked.is_set():
                    await self._claim_one(group, wake, asked)
                await self._end(grace)
        finally:
            unlisten()

    def drop_all(self) -> None:
        """Stop all work at once without a commit: the lease is lost, others may go on."""
        for running in self._runs.values():
            running.cancel()

    async def _claim_one(
        self, group: asyncio.TaskGroup, wake: asyncio.Event, asked: "asyncio.Task[bool]"
    ) -> None:
        slot = asyncio.ensure_future(self._slots.acquire())
        await asyncio.wait((slot, asked), return_when=asyncio.FIRST_COMPLETED)
        if not slot.done() or asked.done():
            slot.cancel()
            return
        wake.clear()
        claim = await self._try_claim()
        if claim is None:
            self._slots.release()
            await self._rest(wake, asked)
            return
        run = TaskRun(claim, self._runtime, self.shutdown)
        working = group.create_task(self._work(claim, run))
        self._runs[run] = working
        self.active_changed.set()
        working.add_done_callback(lambda _: self._done(run))

    def _done(self, run: TaskRun) -> None:
        self._runs.pop(run, None)
        self.active_changed.set()
        self._slots.release()

    async def _try_claim(self) -> Claim | None:
        try:
            return await self._runtime.recording.journal.claim(self.roles, self._tree)
        except StoreUnavailable:
            _log.warning("store_unavailable", extra={"action": "claim"})
            return None

    async def _rest(self, wake: asyncio.Event, asked: "asyncio.Task[bool]") -> None:
        """Wait for a hint, or a second with jitter: hints may be lost, so we also poll."""
        async with asyncio.TaskGroup() as group:
            hint = group.create_task(wake.wait())
            seconds = 0.75 + random.random() / 2
            await asyncio.wait((hint, asked), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            hint.cancel()

    async def _work(self, claim: Claim, run: TaskRun) -> None:
        fields = {"task_id": claim.task_id, "epoch": claim.epoch}
        _log.info("task_claimed", extra={"action": "task_claimed", **fields})
        try:
            await _unwrapped(run.work())
        except asyncio.CancelledError:
            _log.warning("task_dropped", extra={"action": "task_dropped", **fields})
            raise
        except LeaseLost as lost:
            # Handing back what is not ours does nothing, and what turns out to be ours is free.
            _log.warning("claim_lost", extra={"action": "claim_lost", **fields})
            fence = lost.fence if isinstance(lost, FenceAhead) else 0
            await self._hand_back(claim, _RETRY, fence=fence)
        except WorkspaceTaken:
            await self._hand_back(claim, _RETRY)
        except (StoreUnavailable, WorkspaceBusy, LogUnreadable) as error:
            # Not the task's fault: such times must not add up until it counts as poisoned.
            _log.warning(error.code(), extra={"action": "task_dropped", **fields})
            pause = _RETRY if isinstance(error, StoreUnavailable) else _RETRY_LATER
            await self._hand_back(claim, pause)
        except Exception as error:  # noqa: BLE001 - the worker boundary: one task must not end the others
            _log.exception("task_run_failed", extra={"action": "task_run_failed", **fields})
            pause = _RETRY_LATER if isinstance(error, WorkspaceLost) else _RETRY
            await self._hand_back(claim, pause, failed=True)
        finally:
            self._runtime.recording.journal.disown(claim)

    async def _hand_back(
        self, claim: Claim, after: timedelta, *, failed: bool = False, fence: int = 0
    ) -> None:
        """Release a task that we could not go on with, as soon as the store answers."""
        journal = self._runtime.recording.journal
        while not self.shutdown.asked.is_set():
            try:
                await journal.release(claim, after=after, failed=failed, fence=fence)
            except StoreUnavailable:
                await asyncio.sleep(1)
            else:
                return

    async def _end(self, grace: timedelta) -> None:
        """Let tools end within the grace, then cut them; every task is handed back."""
        working = tuple(self._runs.values())
        if working:
            await asyncio.wait(working, timeout=grace.total_seconds())
        self.shutdown.over.set()


async def _unwrapped(work: Coroutine[None, None, None]) -> None:
    """Tell an outage that came from several calls at once like one that came alone."""
    try:
        await work
    except ExceptionGroup as several:
        outages, others = several.split(StoreUnavailable)
        if outages is None or others is not None:
            raise
        raise StoreUnavailable from several

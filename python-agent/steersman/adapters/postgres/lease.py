"""The lease of this process: one row that a thread of its own keeps alive.

A thread, a loop and a connection of its own, so that neither a busy event loop nor a full pool
makes the process look dead. One that stands still for a whole lease is dead, and the lease is
ended. Time is counted on CLOCK_BOOTTIME, which a suspended machine does not stop, and from before
a beat was sent: the server's clock can only be later than that.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from steersman.adapters.postgres.pool import (
    DATABASE_ERRORS,
    OwnConnection,
    PostgresPool,
    connect,
)
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import CONTRACT_VERSION
from steersman.core.errors import StoreUnavailable
from steersman.core.ids import WorkerId

_log = logging.getLogger(__name__)
_SQL = load_queries(Path(__file__).with_suffix(".sql"))
_LOST_AFTER = 12 / 15
_BEATS = 3
_TICK_SECONDS = 0.1
LEASE = timedelta(seconds=15)


def boot_seconds() -> float:
    """Read the clock that goes on while the machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Work:
    """What a lease is for, as its thread sees it.

    `silence` returns for how many seconds the work has stood still. `on_lost` is called each time
    when others may take the tasks soon, so that nothing may be started.
    """

    on_lost: Callable[[], None] = lambda: None
    silence: Callable[[], float] = lambda: 0.0


class WorkerLease:
    """Keep a worker's row alive from `start` to `end`.

    The lease is lost when no beat has succeeded for 12/15 of it, or when the work has stood still
    for all of it. With the next beat that succeeds, whatever this worker still held is free for
    anybody.
    """

    def __init__(
        self,
        dsn: str,
        worker_id: WorkerId,
        host_id: str,
        *,
        roles: Sequence[str],
        lease: timedelta = LEASE,
        work: Work | None = None,
    ) -> None:
        self._dsn = dsn
        self._worker_id = worker_id
        self._row = (worker_id, host_id, list(roles), CONTRACT_VERSION, lease)
        self._lease = lease.total_seconds()
        self._work = work or Work()
        self._last_beat = boot_seconds()
        self._was_lost = False
        self._is_registered = False
        self._ended = threading.Event()
        self._first_beat = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steersman-lease", daemon=True)

    @property
    def lost(self) -> bool:
        """Say whether others may soon think that this process is dead."""
        return self._stands_still or boot_seconds() - self._last_beat > self._lease * _LOST_AFTER

    @property
    def _stands_still(self) -> bool:
        return self._work.silence() > self._lease

    async def start(self) -> None:
        """Register the worker; it may claim when this returns. Raises StoreUnavailable."""
        self._thread.start()
        if not await asyncio.to_thread(self._first_beat.wait, self._lease):
            self._ended.set()
            raise StoreUnavailable
        self._is_registered = True

    async def end(self) -> None:
        """Stop beating and end the lease, so that others need not wait for its end."""
        self._ended.set()
        await asyncio.to_thread(self._thread.join, self._lease)

    def _run(self) -> None:
        asyncio.run(self._keep())

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            noticing = group.create_task(self._notice_loss())
            while not self._ended.is_set():
                try:
                    await self._beat_until_it_fails()
                except DATABASE_ERRORS:
                    _log.warning("lease_beat_failed", exc_info=True, extra={"action": "lease_beat"})
                    await asyncio.sleep(_TICK_SECONDS)
            noticing.cancel()

    async def _beat_until_it_fails(self) -> None:
        patience = self._lease / _BEATS
        async with asyncio.timeout(patience):
            connection = await connect(self._dsn, "steersman-lease")
        try:
            while not self._ended.is_set():
                if self._stands_still:
                    await self._wait_for_movement(connection)
                async with asyncio.timeout(patience):
                    await self._beat(connection)
                await self._pause()
            if self._is_registered:
                await self._end_row(connection)
            # Else the start was given up, and by now the row may be that of the next attempt.
        finally:
            connection.terminate()

    async def _end_row(self, connection: OwnConnection) -> None:
        async with asyncio.timeout(self._lease / _BEATS):
            await connection.execute(_SQL["end"], self._worker_id)

    async def _pause(self) -> None:
        # In small steps by the boot clock: a loop's own timers stand still in a suspended machine.
        # With a loss to tell there is none: what was held is free only with the next beat.
        while not (self._ended.is_set() or self._stands_still or self._was_lost):
            if boot_seconds() - self._last_beat >= self._lease / _BEATS:
                return
            await asyncio.sleep(_TICK_SECONDS)

    async def _wait_for_movement(self, connection: OwnConnection) -> None:
        self._notice()
        await self._end_row(connection)
        while self._stands_still and not self._ended.is_set():  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(_TICK_SECONDS)

    async def _beat(self, connection: OwnConnection) -> None:
        sent = boot_seconds()
        self._notice()
        told = self._was_lost
        await connection.execute(_SQL["beat"], *self._row, told)
        self._last_beat = sent
        # A loss that was noticed while this beat was on its way is for the next one to tell.
        self._was_lost = self._was_lost and not told
        self._first_beat.set()

    async def _notice_loss(self) -> None:
        while True:
            self._notice()
            await asyncio.sleep(_TICK_SECONDS)

    def _notice(self) -> None:
        if self.lost and not self._was_lost:
            self._was_lost = True
            reason = "standstill" if self._stands_still else "no_answer"
            _log.warning(
                "worker_lease_lost", extra={"action": "worker_lease_lost", "reason": reason}
            )
            self._work.on_lost()


async def end_predecessor(pool: PostgresPool, worker_id: WorkerId) -> None:
    """End the lease of a worker that is known to be dead: its tasks may be taken at once."""
    await pool.fetch(_SQL["end"], worker_id)

"""Watch a running command: its output, its agent, its limits, its workspace's fence."""

import os
import select
import time
from pathlib import Path

from steersman.adapters.sandbox.launcher.guard import Guard
from steersman.adapters.sandbox.launcher.order import Order
from steersman.adapters.sandbox.launcher.outcome import Outcome
from steersman.adapters.sandbox.launcher.output import Output
from steersman.adapters.sandbox.launcher.processes import (
    descendants,
    end_descendants,
    memory_bytes,
)
from steersman.adapters.sandbox.launcher.spaces import Disk, OwnFolders, fills, look_at
from steersman.adapters.sandbox.launcher.state import read_fence

_CHUNK_BYTES = 65_536
_LOOK_SECONDS = 0.05
_SIGNALS = 128
_SHARE = 4
"""A look at all processes may take a fifth of the time at most."""


class Supervisor:
    """One command, from its start to the point where nothing of it is left.

    `disk` is what the disk looked like before it.
    """

    def __init__(self, order: Order, guard: Guard, lifeline: int, *, disk: Disk) -> None:
        self._order = order
        self._guard = guard
        self._lifeline = lifeline
        self._output = Output(order.kept_bytes)
        self._own_folders = OwnFolders()
        self._disk = disk
        self._begun = self._heard = _now()
        self._next_look = self._begun + _LOOK_SECONDS
        self._exit_code: int | None = None
        self._watched = select.poll()
        for descriptor in (lifeline, guard.output, guard.report):
            self._watched.register(descriptor, select.POLLIN)

    def run(self) -> Outcome:
        """Return how the command ended; every process of it is gone then."""
        ended_by: str | None = None
        while ended_by is None and self._exit_code is None:
            ended_by = self._step()
        end_descendants()
        self._drain()
        if ended_by is None and self._order.reports_status and not self._sandbox_stood():
            # A sandbox that cannot be set up says so with an ordinary code; a signal came later.
            killed = self._exit_code is not None and self._exit_code > _SIGNALS
            ended_by = "supervisor_lost" if killed else "sandbox_failed"
        return Outcome(
            action_id=self._order.action_id,
            exit_code=self._exit_code if ended_by is None else None,
            ended_by=ended_by,
            output=self._output.text(),
            output_bytes=self._output.total,
            duration_ms=int((_now() - self._begun) * 1000),
        )

    def _step(self) -> str | None:
        """Wait for what comes next; return why the command has to end, if it has to."""
        wait = max(self._next_look - _now(), 0)
        ready = {descriptor for descriptor, _ in self._watched.poll(wait * 1000)}
        if self._guard.output in ready:
            self._take_output()
        if self._output.total > self._order.output_bytes:
            return "output_limit"
        if self._lifeline in ready:
            self._heard = _now()
            if not os.read(self._lifeline, _CHUNK_BYTES):
                return "agent_lost"
        if self._guard.report in ready:
            code = os.read(self._guard.report, _CHUNK_BYTES)
            if not code:
                return "supervisor_lost"
            self._exit_code = int(code)
            return None
        return self._look() if _now() >= self._next_look else None

    def _look(self) -> str | None:
        now = _now()
        if read_fence(Path(self._order.state)) > self._order.fence:
            return "fenced"
        if now - self._heard > self._order.silence_seconds:
            return "agent_lost"
        if now - self._begun > self._order.timeout_seconds:
            return "timeout"
        ended_by = self._exceeded()
        self._next_look = _now() + max(_LOOK_SECONDS, _SHARE * (_now() - now))
        return ended_by

    def _exceeded(self) -> str | None:
        """Name the limit that the command has gone past, if there is one."""
        order = self._order
        processes = descendants(self._guard.pid)
        # First, because a fork bomb grows while anything else is measured.
        if sum(process.threads for process in processes) > order.tasks:
            return "process_limit"
        folders = self._own_folders.used_bytes(processes) if order.reports_status else 0
        if folders + memory_bytes(processes, order.memory_bytes - folders) > order.memory_bytes:
            return "memory_limit"
        try:
            disk = look_at(Path(order.workspace))
        except FileNotFoundError:
            return None  # a command without a sandbox may remove its own folder
        full = fills(self._disk, disk, most_bytes=order.disk_bytes, most_files=order.disk_files)
        return "disk_limit" if full else None

    def _take_output(self) -> None:
        chunk = os.read(self._guard.output, _CHUNK_BYTES)
        self._output.add(chunk)
        if not chunk:
            self._watched.unregister(self._guard.output)

    def _drain(self) -> None:
        # All that wrote are gone, so this ends.
        while chunk := os.read(self._guard.output, _CHUNK_BYTES):
            self._output.add(chunk)

    def _sandbox_stood(self) -> bool:
        return b'"exit-code"' in os.read(self._guard.status, _CHUNK_BYTES)


def _now() -> float:
    # Also counts while the machine sleeps: an agent elsewhere may have taken over meanwhile.
    return time.clock_gettime(time.CLOCK_BOOTTIME)

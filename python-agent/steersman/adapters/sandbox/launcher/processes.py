"""The processes below this one: find them, measure them, end every one of them."""

import ctypes
import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PR_SET_CHILD_SUBREAPER = 36
_LINE_BYTES = 4096
_PAGE_BYTES = resource.getpagesize()
_PASS_SECONDS = 0.001
"""How long those that were killed get to die before we look again."""


class Process(NamedTuple):
    """A line of /proc/PID/stat. `started` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    threads: int
    started: int
    resident_bytes: int


def become_subreaper() -> None:
    """Adopt the orphans among our descendants: whatever they do, they stay below us."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a subreaper")


def come_first() -> None:
    """Run before all ordinary processes, if we may: a fork bomb must not keep us from ending it.

    Our children are ordinary again.
    """
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    with suppress(OSError):
        os.sched_setscheduler(0, policy, os.sched_param(1))


def tasks_of_user() -> int:
    """Count the processes and threads of this user."""
    user = os.getuid()
    count = 0
    for name in _pids():
        with suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == user and (process := _read(name)):  # noqa: PTH116
                count += process.threads
    return count


def started(pid: int) -> int:
    """Return when a process began, in clock ticks since boot; 0 when there is none."""
    process = _read(str(pid))
    return process.started if process else 0


def descendants(root: int) -> list[Process]:
    """Return all processes below `root`, also those of inner PID namespaces."""
    children: dict[int, list[Process]] = {}
    for name in _pids():
        if process := _read(name):
            children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    wanted = [root]
    while wanted:
        below = children.pop(wanted.pop(), [])
        found += below
        wanted += [process.pid for process in below]
    return found


def memory_bytes(processes: list[Process], limit: int) -> int:
    """Add up their memory. Shared pages are told apart only past `limit`: that is slow."""
    resident = sum(process.resident_bytes for process in processes)
    if resident <= limit:
        return resident
    return sum(_proportional_bytes(process) for process in processes)


def end_descendants() -> None:
    """Kill every process below this one and return when none is left, not even a zombie.

    A group is killed as a whole first, because no fork escapes that; a PID namespace goes with
    its first process. What had moved to other groups is found in the next passes.
    """
    while True:
        found = descendants(os.getpid())
        for group in {process.group for process in found} - {os.getpgrp()}:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        if _reap():
            return
        time.sleep(_PASS_SECONDS)


def _pids() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - see _read


def _reap() -> bool:
    """Collect the children that ended; return whether no child is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False


def _read(pid: str) -> Process | None:
    # Without Path and file objects: this runs thousands of times when there is a fork bomb.
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        line = os.read(file, _LINE_BYTES)
    except ProcessLookupError:
        return None
    finally:
        os.close(file)
    # The name in parentheses may hold anything, also a parenthesis.
    field = line.rpartition(b")")[2].split()
    return Process(
        pid=int(pid),
        parent=int(field[1]),
        group=int(field[2]),
        threads=int(field[17]),
        started=int(field[19]),
        resident_bytes=int(field[21]) * _PAGE_BYTES,
    )


def _proportional_bytes(process: Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes().splitlines()
    except ProcessLookupError:
        return 0
    except OSError:
        return process.resident_bytes if _read(str(process.pid)) else 0
    shares = (int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
    return next(shares, process.resident_bytes)

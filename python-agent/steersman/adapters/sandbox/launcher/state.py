"""The files of a workspace outside of its sandbox: fences, locks, holders, durable writing."""

import fcntl
import json
import os
from pathlib import Path
from typing import NamedTuple

from steersman.adapters.sandbox.launcher.processes import started


class Lock(NamedTuple):
    """A workspace's lock, which is two files. Open, but not yet taken.

    `holder` belongs to who works in the workspace: the launcher and its guard, or who takes over.
    `alive` is also kept by the sandbox's first process, so that it stays taken if both are killed.
    Whoever gets at it from inside has nothing to gain: `holder` is never in there.
    """

    holder: int
    alive: int

    def close(self) -> None:
        """Let go, as far as nobody else keeps it."""
        os.close(self.alive)
        os.close(self.holder)


def read_fence(state: Path) -> int:
    """Return the workspace's fence; 0 when nobody has raised it yet."""
    return max(_raised(state), default=0)


def raise_fence(state: Path, fence: int) -> None:
    """Raise a workspace's fence, durably and never downwards; commands below it are ended.

    Each fence is a file of its own and the highest counts: nobody has to take a lock for it, which
    an agent that is frozen would hold for ever.
    """
    fences = state / "fences"
    fences.mkdir(parents=True, exist_ok=True)
    if fence <= read_fence(state):
        return
    (fences / str(fence)).touch()
    _flush_folder(fences)
    for lower in _raised(state):
        if lower < fence:
            (fences / str(lower)).unlink(missing_ok=True)


def _raised(state: Path) -> list[int]:
    try:
        return [int(path.name) for path in (state / "fences").iterdir()]
    except FileNotFoundError:
        return []


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in its place as a whole, so that it is there after a power failure."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def open_lock(state: Path) -> Lock:
    """Open the workspace's lock without taking it."""
    return Lock(_open(state / "lock"), _open(state / "alive"))


def try_lock(lock: Lock) -> bool:
    """Take the lock if it is free. What was taken of it stays so for the next try."""
    try:
        for file in lock:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def name_holders(state: Path, fence: int, pids: tuple[int, ...]) -> None:
    """Write down who is behind the lock; a pid alone may be somebody else's soon."""
    content = json.dumps([fence, [(pid, started(pid)) for pid in pids]])
    temporary = state / "holders.tmp"
    temporary.write_text(content)
    temporary.replace(state / "holders")


def holders(state: Path, *, below: int) -> list[int]:
    """Return the launcher and the guard behind the lock, if they are alive where we can see them.

    Only those of a fence below the given one.
    """
    named: list[tuple[int, int]]
    try:
        fence, named = json.loads((state / "holders").read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return [pid for pid, ticks in named if fence < below and started(pid) == ticks]


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

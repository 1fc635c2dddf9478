"""What a command uses that no process of it holds: its own folders in memory, and the disk."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from steersman.adapters.sandbox.launcher.processes import Process

_IN_MEMORY = ("tmp", "dev/shm")
_SPARE_BYTES = 1024 * 1024 * 1024
_SPARE_SHARE = 50
"""Of a small disk this part is kept free, instead of _SPARE_BYTES."""


class Disk(NamedTuple):
    """A file system as it is now. Files count as 0 where there is no limit to them."""

    used_bytes: int
    free_bytes: int
    used_files: int
    free_files: int


def look_at(folder: Path) -> Disk:
    """Look at the file system that holds a folder."""
    found = os.statvfs(folder)
    unit = found.f_frsize
    used = (found.f_blocks - found.f_bfree) * unit
    files = found.f_files - found.f_ffree
    return Disk(used, found.f_bavail * unit, files, found.f_favail)


def fills(before: Disk, now: Disk, *, most_bytes: int, most_files: int) -> bool:
    """Say whether too much has come to a disk, or so much that too little of it is free.

    Whose it is the disk does not tell. So a little more is nobody's fault, however full it is.
    """
    more_bytes = now.used_bytes - before.used_bytes
    more_files = now.used_files - before.used_files
    spare_bytes = min(_SPARE_BYTES, (now.used_bytes + now.free_bytes) // _SPARE_SHARE)
    spare_files = (now.used_files + now.free_files) // _SPARE_SHARE
    return (
        more_bytes > most_bytes
        or more_files > most_files
        or (now.free_bytes < spare_bytes and more_bytes > most_bytes // _SPARE_SHARE)
        or (now.free_files < spare_files and more_files > most_files // _SPARE_SHARE)
    )


class OwnFolders:
    """The folders of a sandbox that are in memory, seen through one of its processes."""

    def __init__(self) -> None:
        self._inside: int | None = None
        self._outside = _device(Path("/tmp"))

    def used_bytes(self, processes: list[Process]) -> int:
        """Return what is in them; 0 while there is no sandbox, or none any more."""
        inside = next((pid for pid in self._candidates(processes) if self._is_inside(pid)), None)
        self._inside = inside
        if inside is None:
            return 0
        with suppress(OSError):  # it has just ended
            return sum(look_at(_seen_by(inside, name)).used_bytes for name in _IN_MEMORY)
        return 0

    def _candidates(self, processes: list[Process]) -> list[int]:
        pids = [process.pid for process in processes]
        return [self._inside, *pids] if self._inside in pids else pids

    def _is_inside(self, pid: int) -> bool:
        return _device(_seen_by(pid, "tmp")) not in (None, self._outside)


def _seen_by(pid: int, name: str) -> Path:
    return Path("/proc", str(pid), "root", name)


def _device(path: Path) -> int | None:
    try:
        return path.stat().st_dev
    except OSError:
        return None

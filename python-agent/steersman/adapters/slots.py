"""A place for each process of a host: `HOME/slots/N.lock`, taken by `flock`, freed by any death.

The file holds the worker id of who has it. Whoever gets the lock of a file that still names
a worker has proof that this worker is dead, and may end its lease at once.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from steersman.core.ids import WorkerId


class Slot:
    """A place that this process has until it leaves or dies.

    `predecessor` is the worker that died here, if the last one did not leave.
    """

    def __init__(self, number: int, predecessor: WorkerId | None, file: int) -> None:
        self.number = number
        self.predecessor = predecessor
        self._file = file

    def leave(self) -> None:
        """Free the place, as one whose work is handed back."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def take_slot(home: Path, worker_id: WorkerId) -> Slot:
    """Take the first free slot below `home`, numbered from 0, for `worker_id`."""
    directory = home / "slots"
    directory.mkdir(parents=True, exist_ok=True)
    for number in count():
        file = os.open(directory / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        predecessor = os.pread(file, 200, 0).decode(errors="replace").strip()
        os.ftruncate(file, 0)
        os.pwrite(file, worker_id.encode(), 0)
        return Slot(number, WorkerId(predecessor) if predecessor else None, file)
    raise AssertionError("unreachable: there is always a next number")

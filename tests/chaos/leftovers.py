"""I15 on the machine: what still holds a lock after every agent has ended.

A command inherits a lock of its workspace with everything that it starts, so no process of one is
left when these locks are free.
"""

import asyncio
import fcntl
import time
from pathlib import Path

_LOCKS = ("slots/*.lock", "state/*/lock", "state/*/alive")


async def still_held(home: Path, *, seconds: float = 5.0) -> list[str]:
    """Return the locks that are not free even after a while."""
    deadline = time.monotonic() + seconds
    while (held := _held(home)) and time.monotonic() < deadline:  # noqa: ASYNC110 - processes
        await asyncio.sleep(0.1)
    return held


def _held(home: Path) -> list[str]:
    files = [path for pattern in _LOCKS for path in home.glob(pattern)]
    return [str(path.relative_to(home)) for path in files if not _is_free(path)]


def _is_free(path: Path) -> bool:
    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True

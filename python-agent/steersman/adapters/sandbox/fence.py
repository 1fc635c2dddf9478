"""The fence of a workspace: a number that only grows, and ends whatever is below it."""

import asyncio
import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from steersman.adapters.sandbox.launcher.state import (
    Lock,
    holders,
    open_lock,
    raise_fence,
    read_fence,
    try_lock,
)
from steersman.core.errors import FenceAhead, WorkspaceBusy

__all__ = ["raise_fence", "take_over"]

PATIENCE = timedelta(seconds=10)
_OWN_WAY = timedelta(seconds=1)
"""How long a launcher may take to see the fence; it looks some twenty times a second."""

_TRY_AGAIN_SECONDS = 0.01


async def take_over(state: Path, fence: int, *, patience: timedelta = PATIENCE) -> None:
    """Raise the fence and return when nothing of a lower one runs any more.

    Raises WorkspaceBusy when that takes longer than `patience`: its processes are then on another
    host, or cannot be killed. Raises FenceAhead when the fence is higher already.
    """
    await asyncio.to_thread(raise_fence, state, fence)
    if (found := read_fence(state)) > fence:
        raise FenceAhead(found)
    lock = open_lock(state)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_OWN_WAY, patience).total_seconds()):
                return await _wait_for(lock)
        _end_holders(state, fence)
        async with asyncio.timeout(patience.total_seconds()):
            await _wait_for(lock)
    except TimeoutError:
        raise WorkspaceBusy("A command of an earlier holder does not end.") from None
    finally:
        lock.close()


async def _wait_for(lock: Lock) -> None:
    while not try_lock(lock):  # noqa: ASYNC110 - the lock is another process's
        await asyncio.sleep(_TRY_AGAIN_SECONDS)


def _end_holders(state: Path, fence: int) -> None:
    """Kill a launcher that does not look (it may be frozen) and have its guard clean up."""
    found = holders(state, below=fence)
    for pid, number in zip(found, (signal.SIGKILL, signal.SIGCONT), strict=False):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)

"""Long work in a thread that a cancelled caller does not leave behind."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import timedelta
from threading import Event
from typing import TypeVar

from steersman.core.errors import Unavailable

T = TypeVar("T")
KeepOn = Callable[[], None]
"""Raises when the work is no longer wanted or has taken too long; to be asked often."""


class TookTooLong(Unavailable):
    """It took too long. Try with less, or again when the server has less to do."""


class _NotWanted(Exception):
    """Nobody waits for the result any more."""


async def in_thread(work: Callable[[KeepOn], T], limit: timedelta) -> T:
    """Run blocking work; when the caller is cancelled, it ends before the cancellation goes on."""
    cancelled = Event()
    end = time.monotonic() + limit.total_seconds()

    def keep_on() -> None:
        if cancelled.is_set():
            raise _NotWanted
        if time.monotonic() > end:
            raise TookTooLong

    running = asyncio.get_running_loop().run_in_executor(None, work, keep_on)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait((running,))
        running.exception()  # seen, so that it is not reported
        raise


async def in_order(chunks: Generator[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a blocking generator yields; it is closed at the end, whatever that is."""
    try:
        while (chunk := await in_thread(lambda _: next(chunks, None), timedelta.max)) is not None:
            yield chunk
    finally:
        await in_thread(lambda _: chunks.close(), timedelta.max)

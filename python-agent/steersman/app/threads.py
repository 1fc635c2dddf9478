"""Long work in a thread that a cancelled caller does not leave behind."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import timedelta
from threading import Event, Lock
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
        running.add_done_callback(_see)
        await asyncio.wait((running,))
        raise


def _see(running: "asyncio.Future[T]") -> None:
    if not running.cancelled():
        running.exception()  # seen, so that it is not reported


async def in_order(chunks: Generator[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a blocking generator yields; it is closed at the end, whatever that is."""
    # Who is cancelled twice does not wait for the thread that is still in the generator.
    alone = Lock()

    def following(_: KeepOn) -> bytes | None:
        with alone:
            return next(chunks, None)

    def close(_: KeepOn) -> None:
        with alone:
            chunks.close()

    try:
        while (chunk := await in_thread(following, timedelta.max)) is not None:
            yield chunk
    finally:
        await in_thread(close, timedelta.max)

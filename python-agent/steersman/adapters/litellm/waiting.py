"""Wait for one thing at a time, with an end by a cut or by silence."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

from steersman.core.model import Cut

T = TypeVar("T")


class WasCut(Exception):
    """The caller wants the call to end now."""


class Silence(Exception):
    """Nothing came for as long as we wait."""


class Waiter:
    """Watches one cut during one call. What it waits for when that comes is cancelled.

    Tasks are made by hand here: a TaskGroup around the `yield` of an async generator would cancel
    its consumer.
    """

    def __init__(self, cut: Cut) -> None:
        self._cut = cut

    async def __aenter__(self) -> "Waiter":
        self._watching = asyncio.ensure_future(self._cut.wait())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await _cancel(self._watching)

    async def first(self, wanted: Awaitable[T], patience: timedelta) -> T:
        """Return what is wanted, or raise WasCut or Silence; the cut comes before the result."""
        waiting = asyncio.ensure_future(wanted)
        try:
            await asyncio.wait(
                (waiting, self._watching),
                timeout=patience.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if self._cut.is_set():
                raise WasCut
            if not waiting.done():
                raise Silence
            return waiting.result()
        finally:
            await _cancel(waiting)


async def _cancel(task: "asyncio.Future[T]") -> None:
    """End a task whose result nobody wants, and wait until it has let go of what it held."""
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain that nobody did

"""Whether an event loop gets on, as seen from another thread.

A lease that beats from a thread of its own would keep a process alive whose loop stands still: it
would hold its tasks for ever and do nothing for them. So the lease asks here before it beats.
"""

import asyncio
import time
from contextlib import suppress


class LoopWatch:
    """Watch the loop in which this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked: float | None = None

    def silence(self) -> float:
        """Return for how many seconds the loop has owed an answer; when it owes none, ask it.

        To be called often, in another thread.
        """
        if (asked := self._asked) is not None:
            # Not the boot clock: a loop that slept with its machine has not stood still.
            return time.monotonic() - asked
        self._asked = time.monotonic()
        with suppress(RuntimeError):  # it is closed and will never answer, which is silence too
            self._loop.call_soon_threadsafe(self._answer)
        return 0.0

    def _answer(self) -> None:
        self._asked = None

"""The keyboard of the person at the terminal: silent while the view draws, heard when asked.

What was typed before a question could be seen is no answer to it, and what is typed while the
view draws would stand in the middle of it.
"""

import asyncio
import os
import select
import sys
import termios
from typing import Any

_MOST_BYTES = 65_536


class Keyboard:
    """The keys of a terminal. Without one, or in the background, nothing is done to it."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None

    @classmethod
    def of_stdin(cls) -> "Keyboard":
        """Return that of this process, if it has one."""
        return cls(sys.stdin.fileno() if sys.stdin.isatty() else None)

    def silence(self) -> None:
        """Show no more of what is typed; Ctrl-C goes on to work."""
        descriptor = self._held()
        if descriptor is None or self._before is not None:
            return
        self._before = termios.tcgetattr(descriptor)
        silent = [*self._before]
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(descriptor, termios.TCSANOW, silent)

    def restore(self) -> None:
        """Leave it as it was."""
        before, self._before = self._before, None
        if before is not None and (descriptor := self._held()) is not None:
            termios.tcsetattr(descriptor, termios.TCSANOW, before)

    async def read(self, prompt: str, *, pasted: bool = False) -> str | None:
        """Ask until there is a line with something in it, None at the end of the input.

        What was typed before is not heard. `pasted`: lines that come at once are one answer. Not in
        a thread: one that waits for a key cannot be ended, so that Ctrl-C would hang.
        """
        descriptor = self._held()
        if descriptor is None:
            return None
        termios.tcflush(descriptor, termios.TCIFLUSH)
        text = ""
        try:
            while not text:
                _write(prompt)
                line = await _line(descriptor)
                if not line:
                    return None
                while pasted and select.select([descriptor], [], [], 0)[0]:
                    line += os.read(descriptor, _MOST_BYTES)
                text = line.decode(sys.stdin.encoding, errors="replace").strip()
        finally:
            if not text:
                _write("\n")
        return text

    def _held(self) -> int | None:
        """Return the terminal if it is ours now: from the background, a touch would stop us."""
        if self._descriptor is None:
            return None
        try:
            ours = os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:  # it was closed, or is not the terminal of our session
            return None
        return self._descriptor if ours else None


async def _line(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    # The terminal gives a line at a time, and nothing at its end.
    return os.read(descriptor, _MOST_BYTES)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()

"""A program in a pseudo-terminal of its own, its screen, and a person at its keyboard."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.agent.support.screen import Screen

PATIENCE_SECONDS = 40.0


class Terminal:
    """What runs in the terminal, `raw` what it wrote, `lines` what can be seen of it."""

    def __init__(
        self, command: Sequence[str | Path], env: Mapping[str, str], *, width: int, height: int
    ) -> None:
        self.raw = ""
        self._screen = Screen(width, height)
        self._grown = threading.Condition()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.process = subprocess.Popen(
            command,
            env={**env, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # The terminal is to send it Ctrl-C.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[str]:
        """Return what can be seen, scrollback included."""
        with self._grown:
            return self._screen.lines

    @property
    def text(self) -> str:
        """Return what can be seen as one text."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until something can be seen so often."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._grown:
            while "\n".join(self._screen.lines).count(text) < times:
                ended = not self._reader.is_alive()
                if ended or not self._grown.wait(max(deadline - time.monotonic(), 0.01)):
                    seen = "\n".join(self._screen.lines)
                    if ended or time.monotonic() > deadline:
                        raise AssertionError(f"{text!r} is not to be seen in:\n{seen}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    @property
    def echoes(self) -> bool:
        """Say whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def end(self) -> int:
        """Wait until it ends and everything is read. Returns the exit code."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(10)
        return code

    def close(self) -> None:
        """End what still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(10)
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 65_536)
            except OSError:  # Linux says so when the last program has closed it.
                chunk = b""
            with self._grown:
                text = chunk.decode(errors="replace")
                self.raw += text
                self._screen.feed(text)
                self._grown.notify_all()
            if not chunk:
                return


@contextmanager
def terminal(
    command: Sequence[str | Path], env: Mapping[str, str], *, width: int = 100, height: int = 30
) -> Iterator[Terminal]:
    """Run a program in a terminal while the block runs."""
    # Only the terminal knows its size.
    sizeless = {name: value for name, value in env.items() if name not in {"COLUMNS", "LINES"}}
    opened = Terminal(command, sizeless, width=width, height=height)
    try:
        yield opened
    finally:
        opened.close()

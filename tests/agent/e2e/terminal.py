"""`steersman` in a pseudo-terminal: what a person sees, and what they type."""

import fcntl
import os
import pty
import re
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.agent.e2e.processes import PATIENCE_SECONDS, STEERSMAN

PROMPT = r"(?m)^ +(\S.*\? )?> $"
"""Where the person is to type, at the end of what is shown."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command with a terminal for its three streams."""

    def __init__(self, *arguments: str, env: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._text = ""
        self._grown = threading.Condition()
        self._seen = 0
        self.process = subprocess.Popen(
            [STEERSMAN, *arguments],
            env={**env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """Return everything that was shown, without its escape sequences."""
        return _ESCAPES.sub("", self._text).replace("\r", "")

    def sees(self, what: str) -> None:
        """Wait until this pattern is shown, after what was waited for before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._grown:
            while not (found := re.compile(what).search(self.text, self._seen)):
                left = deadline - time.monotonic()
                ended = not self._reader.is_alive()
                if left <= 0 or ended:
                    raise TimeoutError(f"{what!r} is not in {self.text[self._seen :]!r}")
                self._grown.wait(min(left, 1))
            self._seen = found.end()

    def types(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{text}\n".encode())

    def ends(self) -> int:
        """Return the exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End the process if it runs, and read the rest."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(10)
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 65_536)
            except OSError:
                chunk = b""  # what Linux says of a terminal that nobody holds open any more
            with self._grown:
                self._text += chunk.decode(errors="replace")
                self._grown.notify_all()
            if not chunk:
                return


def _take_terminal() -> None:
    """Be in the foreground of the terminal, as what a shell starts is."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(*arguments: str, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a command in a terminal while the block runs."""
    opened = Terminal(*arguments, env=env)
    try:
        yield opened
    finally:
        opened.close()

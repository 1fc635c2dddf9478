"""`steersman up` as a process of its own, and the lines that it prints."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import STEERSMAN, environment

PATIENCE_SECONDS = 180.0
"""The gateway may have to be built."""


class Up:
    """A `steersman up`, and the lines that it printed."""

    def __init__(self, env: Mapping[str, str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[JsonObject] = []
        self._grown = threading.Condition()
        self.process = subprocess.Popen(
            [STEERSMAN, "up", "--port", str(port)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, fits: Callable[[JsonObject], bool], after: int = 0) -> JsonObject:
        """Return the first line past `after` that fits."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._grown:
            while True:
                if found := next((line for line in self.lines[after:] if fits(line)), None):
                    return found
                if not self._grown.wait(deadline - time.monotonic()):
                    raise TimeoutError(json.dumps(self.lines[-30:], indent=1))

    def wait_until_up(self) -> None:
        self.wait_for(lambda line: line["message"].startswith("Steersman is up: "))

    def child(self, word: str) -> psutil.Process:
        """Return the process of a service by the end of a word of its command line."""
        children = psutil.Process(self.process.pid).children()
        return next(c for c in children if any(part.endswith(word) for part in c.cmdline()))

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def close(self) -> None:
        """End it if it still runs, and read the rest of what it says."""
        if self.process.poll() is None:
            self.end()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self._grown:
                self.lines.append(_line(text))
                self._grown.notify_all()


def _line(text: str) -> JsonObject:
    try:
        return json.loads(text)
    except ValueError:
        return {"service": "", "message": text}


@contextmanager
def up(env: Mapping[str, str]) -> Iterator[Up]:
    system = Up(env, free_port())
    try:
        yield system
    finally:
        system.close()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def here(home: Path, **settings: object) -> dict[str, str]:
    return environment(home, port=free_port(), sandbox="none", grace_seconds=2, **settings)

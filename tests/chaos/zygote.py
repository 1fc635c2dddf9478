"""Start agents by forking a process that has imported them: real processes, in a tenth of the time.

Ten thousand of them are killed in a campaign; most of what each would cost is Python's imports.
A line of standard input `{"environment": …, "port": …, "log": …}` is answered with `started PID`;
the end of a child with `ended PID STATUS`, which is what `waitpid` says.
"""

import asyncio
import gc
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.chaos.agent import add_tools, talk_when_asked

_PATIENCE_SECONDS = 60.0


class ForkedProcess:
    """A child of the zygote, with as much of Popen's face as the chaos run needs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        # Until it has been waited for, its pid is nobody else's.
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def note_end(self, status: int) -> None:
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()


class Zygote:
    """The process that forks, and those that it has forked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._children: dict[int, ForkedProcess] = {}
        self._started: SimpleQueue[ForkedProcess] = SimpleQueue()
        self._turn = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, environment: Mapping[str, str], port: int, log: Path) -> ForkedProcess:
        """Fork an agent that serves on a port."""
        order = {"environment": dict(environment), "port": port, "log": str(log)}
        assert self._process.stdin is not None
        with self._turn:
            self._process.stdin.write(json.dumps(order) + "\n")
            return self._started.get(timeout=_PATIENCE_SECONDS)

    def close(self) -> None:
        """End it; its children are ended by whoever had them started."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, pid, *status = line.split()
            if word == "started":
                self._children[int(pid)] = ForkedProcess(int(pid))
                self._started.put(self._children[int(pid)])
            else:
                self._children.pop(int(pid)).note_end(int(status[0]))


def main() -> None:
    """Fork on each order, until nobody gives orders any more."""
    _import_everything()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    with selectors.DefaultSelector() as waiting:
        waiting.register(reading, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        rest = b""
        while True:
            ready = {key.fd for key, _ in waiting.select()}
            if reading in ready:
                os.read(reading, 4096)
                _reap()
            if 0 in ready:
                if not (new := os.read(0, 65536)):
                    return
                *orders, rest = (rest + new).split(b"\n")
                for order in orders:
                    _fork(json.loads(order))


def _import_everything() -> None:
    for name in (
        "steersman.app.gateway",
        "steersman.app.http_server",
        "steersman.app.serve",
        "uvloop",
    ):
        import_module(name)
    add_tools()
    gc.freeze()  # what is imported stays shared with the children


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        print(f"ended {pid} {status}", flush=True)


def _fork(order: Any) -> None:
    if pid := os.fork():
        print(f"started {pid}", flush=True)
        return
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 1024)
    talk_when_asked()
    os.environ.clear()
    os.environ.update(order["environment"])
    os._exit(_serve(order["port"]))


def _serve(port: int) -> int:
    # ruff: noqa: PLC0415 - the run, which starts this process, needs none of it
    import uvloop

    from steersman.app.serve import serve
    from steersman.cli.starting import configure_logs, read_settings

    settings = read_settings(port=port)
    configure_logs(settings, logging.INFO)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


if __name__ == "__main__":
    main()

"""A workspace to run commands in, and a way to see what of them is alive."""

import asyncio
import contextlib
import secrets
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from steersman.adapters.sandbox.confinement import bubblewrap, find_bubblewrap, unconfined
from steersman.adapters.sandbox.launcher.state import holders
from steersman.adapters.sandbox.runner import LaunchedCommands, Limits
from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest, CommandResult

Kind = Literal["bwrap", "unfiltered", "none"]
"""`unfiltered`: in bubblewrap on a machine whose system calls have no filter."""

ROOT = Path(__file__).parents[3]

_AGENT = """
import sys
from datetime import timedelta
from pathlib import Path
import uvloop
from steersman.adapters.sandbox.runner import Limits
from tests.agent.sandbox.running import Place
place = Place(Path(sys.argv[1]), sys.argv[2])
limits = Limits(silence=timedelta(seconds=2))
uvloop.run(place.run(sys.argv[3], action=sys.argv[4], fence=1, limits=limits))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace below `root` whose commands are confined or not."""

    root: Path
    kind: Kind

    @property
    def directory(self) -> Path:
        return self.root / "workspace"

    @property
    def state(self) -> Path:
        return self.root / "state"

    def commands(self, *, fence: int = 0, limits: Limits | None = None) -> LaunchedCommands:
        self.directory.mkdir(exist_ok=True)
        confinement = unconfined(self.directory, self.state)
        if self.kind != "none":
            machine = "unknown" if self.kind == "unfiltered" else None
            confinement = bubblewrap(self.directory, find_bubblewrap() or "", machine=machine)
        return LaunchedCommands(confinement, self.state, fence, limits=limits)

    async def run(
        self,
        command: str,
        *,
        action: str | None = None,
        seconds: float = 300,
        fence: int = 0,
        limits: Limits | None = None,
    ) -> CommandResult:
        # Its own time is longer than any test waits: what ends it is what the test is about.
        action_id = ActionId(action or secrets.token_hex(8))
        request = CommandRequest(action_id, command, timedelta(seconds=seconds))
        return await self.commands(fence=fence, limits=limits).run(request)

    @asynccontextmanager
    async def running(
        self, command: str, *, fence: int = 0
    ) -> AsyncGenerator["asyncio.Task[CommandResult]"]:
        """Run a command that makes the file `started`; go on when it has."""
        task = asyncio.create_task(self.run(command, fence=fence))
        try:
            await until((self.directory / "started").exists, task)
            yield task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def agent(self, command: str, action: str) -> AsyncGenerator[Process]:
        """Have another process run a command that makes the file `started`, under fence 1."""
        arguments = (str(self.root), self.kind, command, action)
        agent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _AGENT, *arguments, cwd=ROOT
        )
        try:
            await until((self.directory / "started").exists)
            yield agent
        finally:
            with contextlib.suppress(ProcessLookupError):
                agent.send_signal(signal.SIGKILL)
            await agent.wait()

    def supervisors(self) -> list[int]:
        """Return the launcher and its guard while a command runs."""
        return holders(self.state, below=sys.maxsize)


class Marked:
    """A `sleep` that no other process is mistaken for."""

    def __init__(self) -> None:
        self.argument = f"300.{secrets.randbelow(10**12):012}"
        self.sleep = f"sleep {self.argument}"

    def alive(self) -> bool:
        return any(self.argument in words for words in _arguments())


def _arguments() -> list[list[str]]:
    found: list[list[str]] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode(errors="replace").split("\0"))
    return found


async def until(
    happened: Callable[[], bool], running: "asyncio.Task[CommandResult] | None" = None
) -> None:
    """Wait until it happened; not longer than a task runs that would have to make it happen."""
    deadline = asyncio.get_running_loop().time() + 50
    while not happened():
        assert running is None or not running.done(), running
        assert asyncio.get_running_loop().time() < deadline, "it does not happen"
        await asyncio.sleep(0.005)

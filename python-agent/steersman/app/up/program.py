"""A child process that is kept up: started, watched, started again when it ends by itself."""

import asyncio
import os
import random
import shutil
import signal
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx

from steersman.core.errors import ConfigurationError

_CANNOT_RUN_SO = 2
"""The exit code of our programs for a configuration that the next attempt would find as well."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 60.0
"""After this long an end is a new accident, not the next of a row."""

_POLL_SECONDS = 0.1
_LONGEST_LINE = 64 * 1024

Show = Callable[[str, str], None]
"""Takes the name of a program and a line of what it says."""


def _is_success(answer: httpx.Response) -> bool:
    return answer.is_success


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. `is_ready` judges what `ready_url` answers; without one it is at once."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    ready_url: str | None = None
    is_ready: Callable[[httpx.Response], bool] = _is_success
    grace_seconds: float = 10.0


class KeptProgram:
    """A program that runs until it is closed, by one process after the other."""

    def __init__(self, program: Program, show: Show) -> None:
        self.program = program
        self._show = show
        self._process: Process | None = None
        self._closing = asyncio.Event()
        self.ready = asyncio.Event()
        """Set when it has answered for the first time that it is ready."""

        self.running = asyncio.create_task(self._run(), name=program.name)

    async def close(self) -> None:
        """End it: as it wishes within its grace, then at once."""
        self._closing.set()
        if self._process is not None:
            self._signal(self._process, signal.SIGTERM)
        await asyncio.wait((self.running,), timeout=self.program.grace_seconds)
        self.kill()
        await asyncio.wait((self.running,))

    def kill(self) -> None:
        """End it now; whatever Steersman promises holds all the same."""
        self._closing.set()
        if self._process is not None:
            self._signal(self._process, signal.SIGKILL)

    async def _run(self) -> None:
        ends = 0
        while not self._closing.is_set():
            began = time.monotonic()
            code = await self._once()
            if self._closing.is_set():
                return
            if code == _CANNOT_RUN_SO:
                raise ConfigurationError(
                    f"{self.program.name} cannot run as it is configured; its last line says why"
                )
            ends = 1 if time.monotonic() - began > _STABLE_SECONDS else ends + 1
            await self._pause(code, ends)

    async def _once(self) -> int:
        process = await _spawn(self.program.command, self.program.environment)
        self._process = process
        if self._closing.is_set():
            self._signal(process, signal.SIGTERM)
        assert process.stdout is not None
        asking = asyncio.create_task(self._ask())
        try:
            async for line in _lines(process.stdout):
                self._show(self.program.name, line)
            return await process.wait()
        finally:
            asking.cancel()

    async def _ask(self) -> None:
        """Ask until it is ready, and say so."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            while not await _is_ready(http, self.program):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(_POLL_SECONDS)
        self.ready.set()
        self._show(self.program.name, "ready")

    async def _pause(self, code: int, ends: int) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** (ends - 1))
        pause = random.uniform(longest / 2, longest)
        self._show(self.program.name, f"ended with {_told(code)}; again in {pause:.1f} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), pause)

    @staticmethod
    def _signal(process: Process, number: signal.Signals) -> None:
        # The group, because a program may have processes of its own; those are not asked twice.
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)


@asynccontextmanager
async def kept_up(program: Program, show: Show) -> AsyncGenerator[KeptProgram]:
    """Keep a program up while the block runs."""
    kept = KeptProgram(program, show)
    try:
        yield kept
    finally:
        await kept.close()


async def run_once(name: str, command: Sequence[str], show: Show) -> None:
    """Run a command to its end. Raises ConfigurationError when it fails."""
    process = await _spawn(command, {})
    try:
        assert process.stdout is not None
        async for line in _lines(process.stdout):
            show(name, line)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code != 0:
        raise ConfigurationError(f"{name}: `{' '.join(command)}` failed with {_told(code)}")


async def _spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        *_that_ends_with_us(),
        *command,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        limit=_LONGEST_LINE,
        # A terminal's Ctrl-C is for us: we end our programs one after the other.
        start_new_session=True,
    )


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield each line; one that is too long comes in pieces."""
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            line = end.partial
        except asyncio.LimitOverrunError as long:
            line = await stream.readexactly(long.consumed)
        if not line:
            return
        yield line.decode(errors="replace").rstrip("\r\n")


async def _is_ready(http: httpx.AsyncClient, program: Program) -> bool:
    if program.ready_url is None:
        return True
    try:
        return program.is_ready(await http.get(program.ready_url))
    except httpx.HTTPError:
        return False


def _that_ends_with_us() -> tuple[str, ...]:
    """Return what lets the kernel end a process when we are killed, where there is such a thing."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()


def _told(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"

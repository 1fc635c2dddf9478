"""What the run destroys and starts again: PostgreSQL, Redis, the agents."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from steersman.adapters.postgres.embedded import EmbeddedPostgres, start_embedded
from tests.agent.e2e.processes import ROOT
from tests.chaos.zygote import ForkedProcess

Process: TypeAlias = subprocess.Popen[bytes] | ForkedProcess


@dataclass(slots=True)
class Database:
    """A PostgreSQL that can crash."""

    directory: Path
    server: EmbeddedPostgres
    crashes: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def sockets(self) -> Path:
        """Where its socket is."""
        lines = (self.directory / "postmaster.pid").read_text().splitlines()
        return Path(lines[4].strip())

    async def crash(self) -> None:
        """End it at once, without a checkpoint, and start it again."""
        async with self.turn:
            await self._crash()

    async def _crash(self) -> None:
        pid = int((self.directory / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while _is_alive(pid):  # noqa: ASYNC110 - it is not our child
            await asyncio.sleep(0.02)
        self.server = await start_embedded(self.directory)
        self.crashes += 1


@dataclass(slots=True)
class RedisProcess:
    """A Redis that can die and forget."""

    port: int
    process: "subprocess.Popen[bytes] | None" = None
    kills: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def hurt(self, seconds: float) -> None:
        """Kill it, and have it back, empty, after a while."""
        async with self.turn:
            self.kill()
            await asyncio.sleep(seconds)
            self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
        quiet = subprocess.DEVNULL
        command = ["redis-server", *options, "no"]
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.kills += 1


class Startable(Protocol):
    """Starts an agent on a port; its log is appended to."""

    def __call__(self, environment: Mapping[str, str], port: int, log: Path) -> Process: ...


def start_program(environment: Mapping[str, str], port: int, log: Path) -> Process:
    """Start `steersman serve`, with a tool of our own."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.agent", "serve", "--port", str(port)],
            cwd=ROOT,
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=file,
        )


@dataclass(slots=True)
class Agent:
    """One `steersman serve` on a port of its own."""

    port: int
    environment: Mapping[str, str]
    log: Path
    launch: Startable = start_program
    process: Process | None = None
    frozen: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def url(self) -> str:
        """Where it answers, while it does."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = self.launch(self.environment, self.port, self.log)

    async def answers(self, seconds: float = 60.0) -> None:
        """Wait until it answers, or has ended by itself, which its exit code will tell."""
        assert self.process is not None
        async with asyncio.timeout(seconds):
            while self.process.poll() is None and not self.is_up():  # noqa: ASYNC110 - a process
                await asyncio.sleep(0.05)

    def is_up(self) -> bool:
        """Say whether it takes connections. One that is frozen does not answer them."""
        if self.frozen:
            return False
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False

    def signal(self, number: int) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


@dataclass(slots=True)
class Agents:
    """Some agents on one database, each of which is started again when it has died."""

    members: list[Agent]
    kills: int = 0
    freezes: int = 0

    async def start(self) -> None:
        """Start all of them, and wait until they answer: what comes then shall meet work."""
        for member in self.members:
            member.start()
        for member in self.members:
            await member.answers()

    def url(self, random_numbers: random.Random) -> str:
        """Choose one that is not frozen, as a load balancer would."""
        awake = [member for member in self.members if not member.frozen] or self.members
        return random_numbers.choice(awake).url

    async def kill(self, member: Agent) -> None:
        """Kill -9, and start it again."""
        async with member.turn:
            assert member.process is not None
            member.process.kill()
            await asyncio.to_thread(member.process.wait)
            self.kills += 1
            member.start()

    async def freeze(self, member: Agent, seconds: float) -> None:
        """Stop it for longer or shorter than its lease, then let it go on."""
        async with member.turn:
            member.frozen = True
            member.signal(signal.SIGSTOP)
            self.freezes += 1
            try:
                await asyncio.sleep(seconds)
            finally:
                member.signal(signal.SIGCONT)
                member.frozen = False

    async def end(self) -> list[int]:
        """Ask all of them to end, once they are up; return their exit codes.

        One that does not end writes into its log where it stands, and is killed.
        """
        for member in self.members:
            await member.answers()
        for member in self.members:
            member.signal(signal.SIGCONT)
            member.signal(signal.SIGTERM)
        return [await asyncio.to_thread(_end_of, member) for member in self.members]


def _end_of(member: Agent) -> int:
    assert member.process is not None
    try:
        return member.process.wait(60)
    except subprocess.TimeoutExpired:
        member.signal(signal.SIGUSR1)
        time.sleep(2)
        member.process.kill()
        return member.process.wait()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"

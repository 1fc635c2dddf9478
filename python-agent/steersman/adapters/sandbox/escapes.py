"""Eleven ways out of a sandbox that are tried before it is trusted, all in one shell command.

An attempt that is in reach says so, or leaves a mark outside that we look for. Around the attempts
stand their targets: a secret in a file, a listener, a process of ours.
"""

import asyncio
import os
import secrets
import shutil
import socket
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest, CommandRunner

_PATIENCE = timedelta(seconds=10)
_DEATH = timedelta(seconds=1)
_GROUND = "self-test-"
_LEFT = timedelta(hours=1)

SET_ID = "could leave a setuid program"
"""The one escape that only a filter of system calls prevents."""

# Only bash, chmod and sleep: this has to run wherever a command can. The token is put together
# there, so that the command's own text is not taken for what is looked for.
_ATTEMPTS = r"""
token={first}''{second}
out() {{ echo "escape: $1"; }}
word() {{ while IFS= read -r -d '' found; do [[ $found == "$1" ]] && return 0; done; return 1; }}
any() {{ for file in /proc/[0-9]*/"$1"; do word "$2" <"$file" && return 0; done; return 1; }}
exec 2>/dev/null
( (exec sleep 20 "0.${{token}}1" </dev/null >/dev/null &) )
read -r found <{outside}/secret; [[ $found == "$token" ]] && out 'read a file outside'
echo "$token" >{outside}/written
found=; read -r found <link; [[ $found == "$token" ]] && out 'followed a link to a file outside'
(: </dev/tcp/127.0.0.1/{port}) && out 'connected to a server on this machine'
while read -r found; do [[ $found == *"@$token" ]] && out 'saw our sockets'; done </proc/net/unix
any cmdline "0.${{token}}7" && out 'saw processes outside'
any environ "STEERSMAN_PLANTED=$token" && out 'read the environment of a process outside'
while read -r name value; do case $name in
  NoNewPrivs:) ((value == 1)) || out 'could gain privileges' ;;
  Cap*:) [[ $value == *[!0]* ]] && out 'could gain privileges' ;;
esac; done </proc/self/status
[[ -w /proc/sys/kernel/core_pattern ]] && out 'could gain privileges'
: >set-id && chmod 4755 set-id && out '{set_id}'
kill -9 {victim} && echo "killed {victim}"
for _ in {{1..1000}}; do any cmdline "0.${{token}}1" && break; done
type chmod sleep >/dev/null && echo "tried all of $token"
"""


class NotTried(Exception):
    """The attempts did not run to their end, so nothing is known."""


@dataclass(frozen=True, slots=True)
class _Targets:
    token: str
    outside: Path
    port: int
    victim: Process

    def attempts(self) -> str:
        half = len(self.token) // 2
        return _ATTEMPTS.format(
            first=self.token[:half],
            second=self.token[half:],
            outside=self.outside,
            port=self.port,
            victim=self.victim.pid,
            set_id=SET_ID,
        )


@dataclass(frozen=True, slots=True)
class ProvingGround:
    """Where escapes are tried: a workspace, its state, and files beside them."""

    directory: Path
    state: Path
    outside: Path


@contextmanager
def proving_ground(home: Path) -> Generator[ProvingGround]:
    """Make a ground below `home`, where real secrets are, and remove it afterwards.

    One that a killed process has left goes with the first that is made an hour later.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in home.glob(f"{_GROUND}*"):
        with suppress(FileNotFoundError):  # another process may have removed it
            if left.stat().st_mtime < time.time() - _LEFT.total_seconds():
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_GROUND, dir=home) as name:
        root = Path(name)
        ground = ProvingGround(root / "workspace", root / "state", root / "outside")
        ground.directory.mkdir()
        ground.outside.mkdir()
        yield ground


async def find_escapes(commands: CommandRunner, ground: ProvingGround) -> tuple[str, ...]:
    """Try to get out and return what succeeded, in words. Raises NotTried."""
    async with _targets(ground) as targets:
        action_id = ActionId(f"self-test-{targets.token}")
        request = CommandRequest(action_id, targets.attempts(), _PATIENCE)
        result = await commands.run(request)
        lines = result.output.splitlines()
        if f"tried all of {targets.token}" not in lines:
            raise NotTried(result.output.strip()[-300:] or str(result.ended_by))
        told = [line.removeprefix("escape: ") for line in lines if line.startswith("escape: ")]
        if f"killed {targets.victim.pid}" in lines and await _dies(targets.victim):
            told.append("killed a process outside")
        if (targets.outside / "written").exists():
            told.append("wrote a file outside")
        if _runs(f"0.{targets.token}1".encode()):
            told.append("left a process behind")
        return tuple(dict.fromkeys(told))


async def _dies(victim: Process) -> bool:
    """Say whether it was our process that a signal reached: inside, others have the same number."""
    try:
        async with asyncio.timeout(_DEATH.total_seconds()):
            await victim.wait()
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def _targets(ground: ProvingGround) -> AsyncGenerator[_Targets]:
    token = "".join(secrets.choice("123456789") for _ in range(14))
    (ground.outside / "secret").write_text(f"{token}\n")
    (ground.directory / "link").symlink_to(ground.outside / "secret")
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(_abstract(token)):
        victim = await asyncio.create_subprocess_exec(
            "sleep", "60", f"0.{token}7", env={**_path(), "STEERSMAN_PLANTED": token}
        )
        try:
            yield _Targets(token, ground.outside, server.getsockname()[1], victim)
        finally:
            if victim.returncode is None:
                victim.kill()
            await victim.wait()


def _path() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath)}


def _abstract(name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{name}")
    listener.listen()
    return listener


def _runs(argument: bytes) -> bool:
    """Say whether a process with this argument is alive on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue  # it has just ended
    return False

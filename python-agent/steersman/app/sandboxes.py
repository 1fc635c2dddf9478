"""Where commands run: in bubblewrap if it holds, nowhere if it does not, openly if so chosen."""

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from steersman.adapters.sandbox.confinement import bubblewrap, find_bubblewrap, unconfined
from steersman.adapters.sandbox.escapes import SET_ID, NotTried, find_escapes, proving_ground
from steersman.adapters.sandbox.runner import LaunchedCommands
from steersman.adapters.sandbox.system_calls import system_call_filter
from steersman.api.ports import Check
from steersman.core.tool import CommandRunner
from steersman.settings import Settings

_log = logging.getLogger(__name__)

Commands = Callable[[Path, Path, int], CommandRunner]
"""Make the runner of a workspace: its directory, its state outside of the sandbox, its fence."""

_CHOICE = "STEERSMAN_SANDBOX=none runs commands without a sandbox"
UNSANDBOXED = (
    "Commands run without a sandbox (STEERSMAN_SANDBOX=none): they can do what this user can."
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How commands run here. `commands` None: the command tool is off.

    `note` is one line for a person when commands run unsandboxed or are off.
    """

    commands: Commands | None
    check: Check
    note: str | None = None


UNTRIED = Sandbox(None, Check(status="degraded", detail="not tried: nothing runs in this process"))
"""For those who only read and send."""


async def choose_sandbox(settings: Settings, *, machine: str | None = None) -> Sandbox:
    """Take bubblewrap after it has withstood every escape; without it turn the command tool off.

    `machine` is what `uname -m` says here; where its system calls have no filter, this is said.
    """
    machine = machine or platform.machine()
    if settings.sandbox == "none":
        return Sandbox(_unsandboxed, Check(status="degraded", detail=UNSANDBOXED), UNSANDBOXED)
    program = find_bubblewrap()
    if program is None:
        return _off("bwrap is not installed", f"install bubblewrap 0.8 or newer; {_CHOICE}")

    def commands(directory: Path, state: Path, fence: int) -> CommandRunner:
        return LaunchedCommands(bubblewrap(directory, program, machine=machine), state, fence)

    filtered = system_call_filter(machine) is not None
    proven = await prove(commands, settings.home, but=() if filtered else (SET_ID,))
    if filtered or proven.commands is None:
        return proven
    detail = f"bubblewrap, withstood ten escapes; no filter of system calls for {machine}"
    return replace(proven, check=Check(status="degraded", detail=detail))


async def prove(commands: Commands, home: Path, *, but: tuple[str, ...] = ()) -> Sandbox:
    """Trust a way to run commands only after it has withstood every escape `but` some."""
    try:
        with proving_ground(home) as ground:
            runner = commands(ground.directory, ground.state, 0)
            found = await find_escapes(runner, ground)
            escapes = [escape for escape in found if escape not in but]
    except NotTried as error:
        return _off(f"a command did not run in it ({error})", f"see `bwrap --version`; {_CHOICE}")
    if escapes:
        return _off(f"a command in it {', '.join(escapes)}", f"update bubblewrap; {_CHOICE}")
    return Sandbox(commands, Check(status="ok", detail="bubblewrap, withstood eleven escapes"))


def _off(why: str, mend: str) -> Sandbox:
    _log.warning("sandbox_off", extra={"action": "sandbox_off", "reason": why})
    detail = f"commands are off: {why}; {mend}"
    return Sandbox(None, Check(status="degraded", detail=detail), f"The sandbox: {detail}")


def _unsandboxed(directory: Path, state: Path, fence: int) -> CommandRunner:
    return LaunchedCommands(unconfined(directory, state), state, fence)

"""The self-test of the sandbox: it has to see every escape, and to switch commands off."""

import asyncio
import os
import resource
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.adapters.sandbox.confinement import bubblewrap, find_bubblewrap
from steersman.adapters.sandbox.escapes import find_escapes, proving_ground
from steersman.adapters.sandbox.runner import LaunchedCommands
from steersman.app.sandboxes import UNSANDBOXED, choose_sandbox, prove
from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest, CommandResult, CommandRunner
from steersman.settings import Settings
from tests.agent.sandbox.running import Place

pytestmark = pytest.mark.slow  # real processes and servers, seconds each

_ALL = {
    "read a file outside",
    "wrote a file outside",
    "followed a link to a file outside",
    "connected to a server on this machine",
    "saw our sockets",
    "saw processes outside",
    "read the environment of a process outside",
    "killed a process outside",
    "left a process behind",
    "could gain privileges",
    "could leave a setuid program",
}


class NoSandbox:
    """A bare shell."""

    def __init__(self, directory: Path, state: Path, fence: int) -> None:
        self._directory = directory

    async def run(self, request: CommandRequest) -> CommandResult:
        # In a thread: what uvloop starts inherits a copy of the pipe, and so does what is left
        # behind, for whose end we would wait.
        shell = await asyncio.to_thread(
            subprocess.run,
            ("/bin/bash", "-c", request.command),
            cwd=self._directory,
            stdout=subprocess.PIPE,
            check=False,
        )
        return CommandResult(shell.stdout.decode(), len(shell.stdout), shell.returncode)

    async def adopt(self, action_id: ActionId) -> CommandResult | None:
        return None


class Broken(NoSandbox):
    """A sandbox that cannot start anything."""

    async def run(self, request: CommandRequest) -> CommandResult:
        return CommandResult("bwrap: No permissions to create new namespace\n", 0, 1)


async def test_every_escape_is_seen_where_there_is_no_sandbox(tmp_path: Path) -> None:
    with proving_ground(tmp_path) as ground:
        runner = NoSandbox(ground.directory, ground.state, 0)
        assert set(await find_escapes(runner, ground)) == _ALL


async def test_the_ground_that_a_killed_process_left_is_removed_by_a_later_one(
    tmp_path: Path,
) -> None:
    old, new = (tmp_path / name for name in ("self-test-old", "self-test-new"))
    for left in (old, new):
        (left / "workspace").mkdir(parents=True)
    os.utime(old, (0, 0))
    with proving_ground(tmp_path):
        assert not old.exists()
    assert new.exists()


async def test_without_bubblewrap_the_launcher_alone_prevents_only_leftovers(
    tmp_path: Path,
) -> None:
    chosen = await choose_sandbox(Settings(home=tmp_path, sandbox="none"))
    assert chosen.commands is not None
    with proving_ground(tmp_path) as ground:
        runner = chosen.commands(ground.directory, ground.state, 0)
        assert set(await find_escapes(runner, ground)) == _ALL - {"left a process behind"}


async def test_bubblewrap_withstands_all_of_them_in_a_moment(sandbox: Place) -> None:
    begun = _processor_seconds()
    chosen = await choose_sandbox(Settings(home=sandbox.root / "home"))
    assert _processor_seconds() - begun < 1  # by the clock a busy machine takes longer
    assert (chosen.check.status, chosen.note) == ("ok", None)
    assert list((sandbox.root / "home").iterdir()) == []
    assert chosen.commands is not None
    runner = chosen.commands(sandbox.root, sandbox.state, 0)
    assert isinstance(await _run(runner, "true"), CommandResult)


async def test_a_machine_whose_system_calls_have_no_filter_is_told_in_the_health(
    sandbox: Place,
) -> None:
    chosen = await choose_sandbox(Settings(home=sandbox.root), machine="riscv64")
    assert (chosen.check.status, chosen.commands is None) == ("degraded", False)
    assert "no filter of system calls for riscv64" in (chosen.check.detail or "")


async def test_without_the_filter_the_self_test_sees_the_escape_that_it_prevents(
    sandbox: Place,
) -> None:
    with proving_ground(sandbox.root) as ground:
        confinement = bubblewrap(ground.directory, find_bubblewrap() or "", machine="riscv64")
        runner = LaunchedCommands(confinement, ground.state, 0)
        assert await find_escapes(runner, ground) == ("could leave a setuid program",)


async def test_a_sandbox_that_leaks_turns_commands_off_and_says_what_leaked(
    tmp_path: Path,
) -> None:
    found = await prove(NoSandbox, tmp_path)
    assert (found.commands, found.check.status) == (None, "degraded")
    assert found.check.detail is not None
    assert all(escape in found.check.detail for escape in _ALL)
    assert found.note is not None


async def test_a_sandbox_that_does_not_start_turns_commands_off(tmp_path: Path) -> None:
    found = await prove(Broken, tmp_path)
    assert found.commands is None
    assert found.check.detail is not None
    assert "No permissions to create new namespace" in found.check.detail


async def test_without_bubblewrap_commands_are_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await choose_sandbox(Settings(home=tmp_path))
    assert found.commands is None
    assert found.check.detail is not None
    assert "install bubblewrap" in found.check.detail


async def test_commands_without_a_sandbox_are_a_choice_that_is_shown(tmp_path: Path) -> None:
    chosen = await choose_sandbox(Settings(home=tmp_path, sandbox="none"))
    assert (chosen.check.status, chosen.note) == ("degraded", UNSANDBOXED)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _run(runner: CommandRunner, command: str) -> CommandResult:
    request = CommandRequest(ActionId("any"), command, timedelta(seconds=10))
    return await runner.run(request)

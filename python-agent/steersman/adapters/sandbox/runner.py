"""Run commands through a launcher: order, beat, and the answer when everything of it is gone."""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import steersman
from steersman.adapters.sandbox.confinement import Confinement
from steersman.adapters.sandbox.launcher.order import Order
from steersman.adapters.sandbox.launcher.outcome import BEGUN, parse_outcome
from steersman.adapters.sandbox.records import adopt, forget_old, record_path, to_result
from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest, CommandResult, ToolFailure

_log = logging.getLogger(__name__)

_ROOT = str(Path(steersman.__file__).parents[1])
_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from steersman.adapters.sandbox.launcher.main import main; main()"
)
_BEAT_SECONDS = 1.0
_END_SECONDS = 5.0
"""How long the end of a command may take before its launcher is killed."""

_MARGIN = timedelta(seconds=10)
"""How much later than the launcher we notice that a command's time is over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use. `tasks` counts its processes and threads.

    `disk_bytes` and `disk_files` are what may come to the workspace's disk while it runs.
    """

    output_bytes: int = 16 * 1024 * 1024
    kept_bytes: int = 512 * 1024
    file_bytes: int = 1024 * 1024 * 1024
    memory_bytes: int = 4 * 1024 * 1024 * 1024
    tasks: int = 1024
    disk_bytes: int = 8 * 1024 * 1024 * 1024
    disk_files: int = 500_000
    lock_wait: timedelta = timedelta(seconds=10)
    silence: timedelta = timedelta(seconds=12)


class LaunchedCommands:
    """The port CommandRunner for one workspace under one fence.

    An action that has an exit record is not run again: its outcome is returned.
    """

    def __init__(
        self, confinement: Confinement, state: Path, fence: int, *, limits: Limits | None = None
    ) -> None:
        self._confinement = confinement
        self._state = state
        self._fence = fence
        self._limits = limits or Limits()
        (state / "records").mkdir(parents=True, exist_ok=True)
        (state / "home").mkdir(exist_ok=True)
        forget_old(state)

    async def run(self, request: CommandRequest) -> CommandResult:
        """Run a command. However this ends, no process of the command is alive afterwards.

        Beside the limits, `ended_by` may be `fenced`, `workspace_busy`, `agent_lost` (we did not
        answer), `sandbox_failed` (it was not run) or `supervisor_lost` (it may have been).
        """
        if "\0" in request.command:
            raise ToolFailure("invalid_arguments", "A command holds no NUL.")
        try:
            launcher = await _start_launcher()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ToolFailure("sandbox_failed", f"It was not run: {why}.") from error
        try:
            said = await self._accompany(launcher, request)
        finally:
            await _uninterrupted(self._finish(launcher))
        return CommandResult("", 0, None, "timeout") if said is None else _read_answer(said)

    async def adopt(self, action_id: ActionId) -> CommandResult | None:
        """Return how a command of an earlier process ended; None when nobody can know."""
        return await asyncio.to_thread(adopt, self._state, action_id)

    async def _finish(self, launcher: Process) -> None:
        await _end(launcher)
        for path in await asyncio.to_thread(self._confinement.repository.remove_forbidden):
            fields = {"action": "repository_held", "path": str(path)}
            _log.warning("repository_held", extra=fields)

    async def _accompany(self, launcher: Process, request: CommandRequest) -> bytes | None:
        """Send the order and beats; return what the launcher said, None if it takes too long."""
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        clock = asyncio.get_running_loop().time
        deadline = clock() + (request.timeout + self._limits.lock_wait + _MARGIN).total_seconds()
        launcher.stdin.write(self._order(request).to_line())
        answer = asyncio.ensure_future(launcher.stdout.read())
        try:
            while clock() < deadline:
                await asyncio.wait((answer,), timeout=_BEAT_SECONDS)
                if answer.done():
                    return answer.result()
                # After we were frozen its pipe may be closed before its answer has been read.
                if not launcher.stdin.is_closing():
                    launcher.stdin.write(b".")
        finally:
            answer.cancel()
        return None

    def _order(self, request: CommandRequest) -> Order:
        confinement, limits = self._confinement, self._limits
        return Order(
            action_id=request.action_id,
            argv=confinement.argv(request.command),
            environment=dict(confinement.environment),
            directory=str(confinement.directory),
            reports_status=confinement.reports_status,
            system_calls=confinement.system_calls.hex(),
            workspace=str(confinement.workspace),
            state=str(self._state),
            record=str(record_path(self._state, request.action_id)),
            fence=self._fence,
            timeout_seconds=request.timeout.total_seconds(),
            lock_seconds=limits.lock_wait.total_seconds(),
            silence_seconds=limits.silence.total_seconds(),
            output_bytes=limits.output_bytes,
            kept_bytes=limits.kept_bytes,
            file_bytes=limits.file_bytes,
            memory_bytes=limits.memory_bytes,
            tasks=limits.tasks,
            disk_bytes=limits.disk_bytes,
            disk_files=limits.disk_files,
        )


async def _start_launcher() -> Process:
    # A session of its own, because Ctrl-C at the terminal is for the agent alone; and nothing of
    # our environment, because it holds keys.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _START, _ROOT),
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        env={},
        cwd="/",
        start_new_session=True,
    )


async def _end(launcher: Process) -> None:
    """Close the lifeline and wait until the launcher and its guard, so all processes, are gone."""
    assert launcher.stdin is not None
    launcher.stdin.close()
    if await _gone(launcher):
        return
    _log.error("launcher_does_not_end", extra={"action": "launcher_killed"})
    with suppress(ProcessLookupError):
        launcher.kill()  # its guard does the rest
    await _gone(launcher)


async def _gone(launcher: Process) -> bool:
    assert launcher.stdout is not None
    try:
        async with asyncio.timeout(_END_SECONDS):
            await launcher.stdout.read()
            await launcher.wait()
    except TimeoutError:
        return False
    return True


async def _uninterrupted(ending: Coroutine[None, None, None]) -> None:
    """Wait for an end that a second cancellation must not cut short."""
    task = asyncio.ensure_future(ending)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _read_answer(said: bytes) -> CommandResult:
    try:
        return to_result(parse_outcome(said.removeprefix(BEGUN)))
    except (ValueError, TypeError):
        text = said[-2000:].decode(errors="replace")
        _log.exception("launcher_failed", extra={"action": "launcher_failed", "output": text})
        lost = "supervisor_lost" if said.startswith(BEGUN) else "sandbox_failed"
        return CommandResult("", 0, None, lost)

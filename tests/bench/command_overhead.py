"""What a command costs that does nothing: launcher, guard and bubblewrap, beside a bare shell."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from steersman.adapters.sandbox.confinement import bubblewrap, find_bubblewrap, unconfined
from steersman.adapters.sandbox.runner import LaunchedCommands
from steersman.app.sandboxes import choose_sandbox
from steersman.core.clock import SystemClock, new_id
from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest
from steersman.settings import Settings
from tests.bench.database import home
from tests.bench.figures import Section, Targets, spread

_COMMANDS = 60
_WARM_UP = 5
_CONFINED = Targets(usual=100)


async def measure() -> Section:
    """Run `true` in each way that there is here."""
    with home() as directory:
        figures = [*spread("a bare shell", await _times(_bare))]
        figures += spread("launched, not confined", await _times(_launched(directory, None)))
        program = await _bubblewrap(directory)
        if program is None:
            return Section("sandbox", figures, ("bubblewrap does not work here",))
        confined = await _times(_launched(directory, program))
    figures += spread("launched in bubblewrap", confined, _CONFINED)
    return Section("sandbox", figures, ("the command is `true`",))


async def _bubblewrap(directory: Path) -> str | None:
    chosen = await choose_sandbox(Settings(home=directory))
    return None if chosen.commands is None else find_bubblewrap()


async def _times(run: Callable[[], Awaitable[object]]) -> Sequence[float]:
    taken = list[float]()
    for _ in range(_WARM_UP + _COMMANDS):
        began = time.perf_counter()
        await run()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[_WARM_UP:]


async def _bare() -> None:
    shell = await asyncio.create_subprocess_exec("sh", "-c", "true")
    await shell.wait()


def _launched(home_directory: Path, program: str | None) -> Callable[[], Awaitable[object]]:
    directory = home_directory / ("confined" if program else "open")
    state = home_directory / f"{directory.name}-state"
    directory.mkdir()
    confinement = bubblewrap(directory, program) if program else unconfined(directory, state)
    commands = LaunchedCommands(confinement, state, 0)
    clock = SystemClock()

    async def run() -> None:
        request = CommandRequest(ActionId(new_id(clock)), "true", timedelta(seconds=30))
        result = await commands.run(request)
        if result.exit_code != 0:
            raise RuntimeError(f"`true` did not succeed: {result}")

    return run

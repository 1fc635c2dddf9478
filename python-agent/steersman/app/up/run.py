"""Start everything, say where to go, end everything."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from steersman.app.places import make_private
from steersman.app.up.console import Console, Said
from steersman.app.up.database import database
from steersman.app.up.plan import Ground, Plan, make_plan
from steersman.app.up.program import KeptProgram, kept_up, run_once
from steersman.settings import Settings

_FIRST_USER = "FirstUser"
_US = "steersman"


async def up(settings: Settings, port: int) -> int:
    """Keep the system up until SIGTERM or Ctrl-C; a second one ends it at once.

    Raises ConfigurationError when a part of it cannot run as it is configured.
    """
    system = _System(settings, port)
    running = asyncio.create_task(system.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(
            number, lambda: system.kill() if running.cancelling() else running.cancel()
        )
    with suppress(asyncio.CancelledError):
        await running
    return 0


class _System:
    def __init__(self, settings: Settings, port: int) -> None:
        self._settings = settings
        self._port = port
        self._console = Console(sys.stdout, as_json=_wants_json(settings), listener=self._hear)
        self._kept: list[KeptProgram] = []
        self._code = ""
        self._is_up = False

    async def run(self) -> None:
        """Run until cancelled; what was started last ends first."""
        make_private(self._settings)
        async with AsyncExitStack() as stack:
            dsn = await stack.enter_async_context(database(self._settings, self._console.show))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steersman-up-")))
            plan = make_plan(self._settings, Ground(dsn, folder, self._port, os.environ))
            for note in plan.notes:
                self._say(note)
            await self._start(plan, stack)
            await _while_all_run(self._kept, _all_ready(self._kept))
            self._is_up = True
            self._say(f"Steersman is up: {plan.url}")
            self._tell_code()
            await _while_all_run(self._kept, asyncio.Event().wait())

    def kill(self) -> None:
        """End what still runs at once."""
        for kept in self._kept:
            kept.kill()

    async def _start(self, plan: Plan, stack: AsyncExitStack) -> None:
        if plan.build is not None:
            self._say("building the gateway")
            await run_once("gateway", plan.build, self._console.show)
        for program in (plan.redis, plan.gateway, plan.agent):
            if program is not None:
                kept = kept_up(program, self._console.show)
                self._kept.append(await stack.enter_async_context(kept))

    def _hear(self, said: Said) -> None:
        if said.service == "gateway" and said.fields.get("category") == _FIRST_USER:
            self._code = str(said.fields.get("Code", ""))
            if self._is_up:
                self._tell_code()

    def _tell_code(self) -> None:
        if self._code:
            self._say(f"There is no user yet; the first one signs up with the code {self._code}")

    def _say(self, text: str) -> None:
        self._console.show(_US, text)


async def _all_ready(kept: Sequence[KeptProgram]) -> None:
    for one in kept:
        await one.ready.wait()


async def _while_all_run(kept: Sequence[KeptProgram], work: Awaitable[Any]) -> None:
    """Await the work; raises what a program gives up with meanwhile."""
    working = asyncio.ensure_future(work)
    try:
        running = [one.running for one in kept]
        await asyncio.wait((working, *running), return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            if task.done():
                task.result()
    finally:
        working.cancel()


def _wants_json(settings: Settings) -> bool:
    if settings.log_format == "auto":
        return not sys.stdout.isatty()
    return settings.log_format == "json"

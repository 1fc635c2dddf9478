"""The demo: a fresh copy of the example, its goal, and the proof that its tests pass."""

import asyncio
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steersman.adapters.scripted import demo_cassette
from steersman.app.sandboxes import choose_sandbox
from steersman.core.errors import ConfigurationError
from steersman.settings import Settings

_EXAMPLE = Path(__file__).resolve().parents[3] / "examples/shop"
_VERIFY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class ShopDemo:
    """What is played, and under which settings."""

    directory: Path
    settings: Settings
    notes: tuple[str, ...]
    goal: str

    async def verify(self) -> tuple[bool, str]:
        """Run the example's tests outside of any task. Returns whether all pass, and a line."""
        command = (sys.executable, "-m", "unittest")
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.directory,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(_VERIFY_SECONDS):
            _, output = await process.communicate()
        lines = output.decode(errors="replace").strip().splitlines() or ["no output"]
        ran = next((line for line in lines if line.startswith("Ran ")), "no tests ran")
        return process.returncode == 0, f"python3 -m unittest: {ran}: {lines[-1]}"


async def prepare_demo(settings: Settings) -> ShopDemo:
    """Copy the example to a fresh directory.

    Its commands are in this repository, so where there is no sandbox it runs without one.
    """
    if not _EXAMPLE.is_dir():
        raise ConfigurationError("the demo needs examples/shop: run it from a checkout")
    at = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    directory = settings.home / "demo" / at
    shutil.copytree(_EXAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    notes: tuple[str, ...] = ()
    if settings.sandbox != "none" and (await choose_sandbox(settings)).commands is None:
        settings = settings.model_copy(update={"sandbox": "none"})
        notes = ("There is no sandbox here, so the demo's commands run without one.",)
    return ShopDemo(directory, settings, notes, demo_cassette().goal)

"""`steersman` with the chaos run's own tools beside the others, and a signal that makes it talk."""

import asyncio
import faulthandler
import gc
import signal
import sys
from pathlib import Path

import steersman.tools
from steersman.cli import main

TOOLS = Path(__file__).with_name("tools")


def add_tools() -> None:
    """Let the package of the tools, which is searched for modules, have another folder."""
    steersman.tools.__path__.append(str(TOOLS))


def talk_when_asked() -> None:
    """On SIGUSR1, write where every thread and every asynchronous task stands."""
    signal.signal(signal.SIGUSR1, _say_tasks)
    # Then the handler of before, and without Python's help: a main thread that hangs says so too.
    faulthandler.register(signal.SIGUSR1, chain=True)


def _say_tasks(_number: int, _frame: object) -> None:
    for one in gc.get_objects():
        if isinstance(one, asyncio.Task) and not one.done():
            one.print_stack(file=sys.stderr)


if __name__ == "__main__":
    add_tools()
    talk_when_asked()
    main()

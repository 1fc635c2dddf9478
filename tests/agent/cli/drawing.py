"""A program for a test's terminal: thoughts that stream and then stay, as fast as can be."""

import asyncio
import sys

from rich.console import Console

from steersman.cli.live import LiveView
from tests.agent.cli.samples import delta, thought


async def main() -> None:
    # Threads take turns as often as they can, so that what can go wrong between two does.
    sys.setswitchinterval(1e-6)
    with LiveView(Console(highlight=False, markup=False, emoji=False)) as view:
        for step in range(1, int(sys.argv[1]) + 1):
            text = "\n".join(f"step {step} line {number} stays" for number in range(10))
            for offset in range(0, len(text), 12):
                view.show(delta(text[offset : offset + 12], offset, step=step))
                await asyncio.sleep(0.002)
            view.show(thought(step, text))


asyncio.run(main())

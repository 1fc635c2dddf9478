"""Run several things until the first of them ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_first(*runs: Coroutine[Any, Any, None]) -> None:
    """Run all at once; when one ends the others are cancelled. Errors come as a group."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run) for run in runs]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

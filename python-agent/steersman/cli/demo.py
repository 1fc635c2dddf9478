"""`demo`: a small project with a real bug, mended before your eyes, its tests run afterwards."""

from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Protocol

from steersman.cli.client import open_client
from steersman.cli.run import Goal, attend, new_task, presenter
from steersman.core.ids import TaskId
from steersman.settings import Settings


class Demo(Protocol):
    """What is played: a fresh copy of the example, the goal, the settings, and the proof."""

    @property
    def goal(self) -> str: ...

    @property
    def directory(self) -> Path: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def notes(self) -> Sequence[str]: ...

    async def verify(self) -> tuple[bool, str]:
        """Run the example's tests outside of any task. Returns whether all pass, and a line."""
        ...


async def play(preparing: Awaitable[Demo], *, as_json: bool) -> int:
    """Run the demo's goal and then its tests; 0 only if both went well."""
    demo = await preparing
    with presenter(demo.settings, as_json=as_json, asks=True) as view:
        async with open_client(demo.settings, works=True) as client:
            for note in (*client.notes, *demo.notes):
                view.note(note)
            request = new_task(Goal(demo.goal), remote=False)
            accepted = await client.submit(request, directory=str(demo.directory))
            code = await attend(client, view, TaskId(accepted["task_id"]))
            if code != 0:
                return code
            passed, line = await demo.verify()
            view.note(f"{'✓' if passed else '✗'} {line} ({demo.directory})")
            return 0 if passed else 1

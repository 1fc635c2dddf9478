"""A workspace with its history, outside of any app."""

import subprocess
from collections.abc import Container, Iterator
from pathlib import Path

from steersman.adapters.git.history import ShadowHistory
from steersman.adapters.git.versions import Item
from steersman.app.reading import LARGEST_VERSION_BYTES, Most, read_all, read_since
from steersman.core.ids import TaskId

TASK = TaskId("019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01")
ALL = Most()
LARGE = b"x" * (LARGEST_VERSION_BYTES + 1)


class Workspace:
    """A workspace with its history."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "workspace"
        self.root.mkdir()
        self.history = ShadowHistory(folder / "history.git")

    def write(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def begin(self, task_id: TaskId = TASK) -> None:
        self.history.note_start(task_id, read_all(self.root, lambda: None))

    def diff(self, task_id: TaskId = TASK, most: Most = ALL) -> str:
        def read(known: Container[str]) -> Iterator[Item]:
            return read_since(self.root, lambda: None, known, most)

        with self.history.diff(task_id, read) as patch:
            return patch.read().decode(errors="surrogateescape")

    def changed(self, most: Most = ALL) -> list[str]:
        """Return the first line of each file's part, and what was left out."""
        lines = self.diff(most=most).splitlines()
        return [line for line in lines if line.startswith(("diff --git", "#"))]


def git(*arguments: str, at: Path) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a", *arguments], cwd=at, check=True
    )

"""What tasks begin from: kept when a workspace is opened, compared with when people ask."""

import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from steersman.adapters.git.history import ShadowHistory, Version
from steersman.adapters.git.program import GitFailed, GitMissing
from steersman.adapters.trees.walk import Found, Kind, walk
from steersman.app.places import Places
from steersman.app.threads import KeepOn, TookTooLong, in_thread
from steersman.core.errors import NotFound, TooLarge, Unavailable
from steersman.core.ids import TaskId
from steersman.core.ports import WorkspaceRef
from steersman.core.tool import LEFTOVERS

LARGEST_VERSION_BYTES = 8 * 1024 * 1024
"""Larger files are named in a diff, but not kept and not compared."""

MOST_VERSIONS = 50_000
CACHES = frozenset(
    {
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""What no diff shows. A fixed list, because a `.gitignore` is written by whom it would hide."""


_LIMIT = timedelta(seconds=60)
_log = logging.getLogger(__name__)


class Starts:
    """The content of workspaces at the start of each task."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def note(self, task_id: TaskId, ref: WorkspaceRef) -> None:
        """Keep what a task begins from, once; without it the task works, but has no diff."""
        history, directory = self._history(ref), self._places.directory(ref)
        reasons = self._places.without_start(ref)

        def note(keep_on: KeepOn) -> None:
            if history.has_start(task_id) or (reasons / task_id).exists():
                return
            try:
                history.note_start(task_id, versions(directory, keep_on))
            except (GitFailed, GitMissing, TookTooLong, TooLarge, OSError) as error:
                _log.warning("start_not_kept", extra=_fields(task_id, error))
                # What it begins from is lost for good: a later try would keep the task's own work.
                reasons.mkdir(exist_ok=True)
                (reasons / task_id).write_text(str(error))

        await in_thread(note, _LIMIT)

    async def diff(self, task_id: TaskId, ref: WorkspaceRef) -> IO[bytes] | None:
        """Return the diff since the start as an open file; None: the task has not begun to work.

        Raises NotFound when the start could not be kept, Unavailable when git cannot compare.
        """
        history, directory = self._history(ref), self._places.directory(ref)
        reason = self._places.without_start(ref) / task_id

        def diff(keep_on: KeepOn) -> IO[bytes] | None:
            if history.has_start(task_id):
                return history.diff(task_id, versions(directory, keep_on))
            if reason.exists():
                raise NotFound(f"There is no diff, the start was not kept: {reason.read_text()}")
            return None

        try:
            return await in_thread(diff, _LIMIT)
        except GitFailed as error:
            _log.warning("diff_failed", extra=_fields(task_id, error))
            raise Unavailable("git could not compare; the log of the server says why.") from error

    def _history(self, ref: WorkspaceRef) -> ShadowHistory:
        return ShadowHistory(self._places.history(ref), limit=_LIMIT)


def versions(root: Path, keep_on: KeepOn) -> Iterator[Version]:
    """Yield the files and links of a workspace as they are now.

    Raises TooLarge past MOST_VERSIONS.
    """
    count = 0
    for found in walk(root, _is_left_out):
        keep_on()
        if found.kind is Kind.FOLDER:
            continue
        count += 1
        if count > MOST_VERSIONS:
            raise TooLarge(
                f"The workspace has more than {MOST_VERSIONS:,} files; there is no diff."
            )
        yield Version(found.path, _mode(found), _content(found))


def _is_left_out(name: str) -> bool:
    return name in CACHES or name.casefold() == ".git" or fnmatchcase(name, LEFTOVERS)


def _mode(found: Found) -> str:
    if found.kind is Kind.LINK:
        return "120000"
    return "100755" if found.executable else "100644"


def _content(found: Found) -> bytes | None:
    """Read a file, or where a link leads; None when it is too large or cannot be read."""
    try:
        if found.kind is Kind.LINK:
            return os.fsencode(found.target())
        with os.fdopen(found.open(), "rb") as file:
            content = file.read(LARGEST_VERSION_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= LARGEST_VERSION_BYTES else None


def _fields(task_id: TaskId, error: Exception) -> dict[str, str]:
    return {"action": "history", "task_id": task_id, "reason": str(error)}

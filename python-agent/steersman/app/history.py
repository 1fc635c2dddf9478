"""What tasks begin from: kept when a workspace is opened, compared with when people ask."""

import logging
from datetime import timedelta
from typing import IO

from steersman.adapters.git.history import ShadowHistory
from steersman.adapters.git.program import GitFailed, GitMissing
from steersman.app.places import Places
from steersman.app.reading import read_all, read_since
from steersman.app.threads import KeepOn, TookTooLong, in_thread
from steersman.core.errors import NotFound, TooLarge, Unavailable
from steersman.core.ids import TaskId
from steersman.core.ports import WorkspaceRef

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
                history.note_start(task_id, read_all(directory, keep_on))
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
                return history.diff(task_id, lambda known: read_since(directory, keep_on, known))
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


def _fields(task_id: TaskId, error: Exception) -> dict[str, str]:
    return {"action": "history", "task_id": task_id, "reason": str(error)}

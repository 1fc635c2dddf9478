"""The directories that tasks work in, opened with what a task may use of them."""

import logging
from datetime import timedelta

from steersman.adapters.git.history import ShadowHistory
from steersman.adapters.git.program import GitFailed, GitMissing
from steersman.adapters.sandbox.fence import take_over
from steersman.adapters.workspace import DirectoryFiles
from steersman.app.history import versions
from steersman.app.places import Places
from steersman.app.sandboxes import Sandbox
from steersman.app.threads import KeepOn, TookTooLong, in_thread
from steersman.core.errors import TooLarge
from steersman.core.ids import TaskId
from steersman.core.ports import TaskStore, WorkspaceRef
from steersman.core.runtime import OpenWorkspace
from steersman.settings import Settings

_log = logging.getLogger(__name__)

_HISTORY_LIMIT = timedelta(seconds=60)


class HomeWorkspaces:
    """The two ports Workspaces, of the loop and of the API, over the folders of this host."""

    def __init__(self, settings: Settings, store: TaskStore, sandbox: Sandbox) -> None:
        self._places = Places.of(settings)
        self._store = store
        self._sandbox = sandbox

    async def open(self, task_id: TaskId, ref: WorkspaceRef) -> OpenWorkspace:
        """Make the directory if it is new, and note its content as the task's start.

        Whatever an earlier holder still runs in it is ended first. Raises WorkspaceBusy when that
        cannot be done.
        """
        directory, state = self._places.directory(ref), self._places.state(ref)
        state.mkdir(parents=True, exist_ok=True)
        directory.mkdir(parents=True, exist_ok=True)
        await take_over(state, ref.fence)
        await self._note_start(task_id, ref)
        commands = self._sandbox.commands
        runner = commands(directory, state, ref.fence) if commands else None
        return OpenWorkspace(DirectoryFiles(directory), runner)

    async def _note_start(self, task_id: TaskId, ref: WorkspaceRef) -> None:
        """Keep what the task begins from, once; without it the task works, but has no diff."""
        directory = self._places.directory(ref)
        history = ShadowHistory(self._places.history(ref), limit=_HISTORY_LIMIT)

        def note(keep_on: KeepOn) -> None:
            if not history.has_start(task_id):
                history.note_start(task_id, versions(directory, keep_on))

        try:
            await in_thread(note, _HISTORY_LIMIT)
        except (GitMissing, GitFailed, TookTooLong, TooLarge, OSError) as error:
            fields = {"action": "start_not_kept", "task_id": task_id, "reason": str(error)}
            _log.warning("start_not_kept", extra=fields)

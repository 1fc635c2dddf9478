"""The directories that tasks work in: opened for tasks, read by people, replaced as a whole."""

import asyncio
from pathlib import Path

from steersman.adapters.sandbox.fence import take_over
from steersman.adapters.workspace import DirectoryFiles
from steersman.api.ports import Content, FileListing, GitSource, StoredWorkspace
from steersman.app.contents import archive_content, bytes_content, file_content, stream_content
from steersman.app.history import Starts
from steersman.app.places import Places, close
from steersman.app.puts import Puts
from steersman.app.sandboxes import Sandbox
from steersman.core.errors import NotFound
from steersman.core.ids import OwnerId, TaskId
from steersman.core.ports import TaskStore, WorkspaceRef
from steersman.core.runtime import OpenWorkspace
from steersman.settings import Settings

MOST_FILES = 5_000


class HomeWorkspaces:
    """The two ports Workspaces, of the loop and of the API, over the folders of this host."""

    def __init__(self, settings: Settings, store: TaskStore, sandbox: Sandbox) -> None:
        self._places = Places.of(settings)
        self._starts = Starts(self._places)
        self._puts = Puts(self._places, store)
        self._store = store
        self._sandbox = sandbox

    async def open(self, task_id: TaskId, ref: WorkspaceRef) -> OpenWorkspace:
        """Make the directory if it is new, and note its content as the task's start.

        Whatever an earlier holder still runs in it is ended first. Raises WorkspaceBusy when that
        cannot be done.
        """
        directory, state = self._places.directory(ref), self._places.state(ref)
        await asyncio.to_thread(_make, directory, state, owned=ref.path is None)
        await take_over(state, ref.fence)
        await self._starts.note(task_id, ref)
        commands = self._sandbox.commands
        runner = commands(directory, state, ref.fence) if commands else None
        return OpenWorkspace(DirectoryFiles(directory), runner)

    async def files(self, task_id: TaskId, owner_id: OwnerId) -> FileListing:
        """List the files, caches and version control left out, MOST_FILES at most."""
        directory = self._places.directory(await self._ref(task_id, owner_id))
        return await asyncio.to_thread(_listing, directory)

    async def file(self, task_id: TaskId, owner_id: OwnerId, path: str) -> Content:
        """Read one ordinary file, never through a link."""
        directory = self._places.directory(await self._ref(task_id, owner_id))
        return await asyncio.to_thread(file_content, directory, path)

    async def diff(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        """Compare with what was there at the task's start."""
        diff = await self._starts.diff(task_id, await self._ref(task_id, owner_id))
        return bytes_content(b"") if diff is None else stream_content(diff)

    async def archive(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        """Pack everything, version control and caches too."""
        return archive_content(self._places.directory(await self._ref(task_id, owner_id)))

    async def artifact(self, task_id: TaskId, owner_id: OwnerId, sha256: str) -> Content:
        """Read what was too long for an event."""
        await self._store.view(task_id, owner_id)
        found = await self._store.read_artifact(task_id, sha256)
        if found is None:
            raise NotFound("There is no artifact by that name.")
        return bytes_content(found)

    async def put_archive(self, owner_id: OwnerId, name: str, archive: Path) -> StoredWorkspace:
        """Replace the content by that of an archive."""
        return await self._puts.archive(owner_id, name, archive)

    async def put_git(self, owner_id: OwnerId, name: str, source: GitSource) -> StoredWorkspace:
        """Replace the content by a repository's commit."""
        return await self._puts.git(owner_id, name, source)

    async def _ref(self, task_id: TaskId, owner_id: OwnerId) -> WorkspaceRef:
        """Return where a task works; raises TaskNotFound for other people's."""
        await self._store.view(task_id, owner_id)
        return await self._store.workspace_of(task_id)


def _make(directory: Path, state: Path, *, owned: bool) -> None:
    close(state)
    if owned:
        close(directory.parent)
        close(directory)
    else:
        directory.mkdir(parents=True, exist_ok=True)


def _listing(directory: Path) -> FileListing:
    if not directory.is_dir():  # no task has worked in it yet
        return FileListing((), truncated=False)
    found, truncated = DirectoryFiles(directory).list("", None, MOST_FILES)
    return FileListing(tuple(found), truncated)

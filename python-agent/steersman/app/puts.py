"""Put new content in the place of a workspace's: whole or not at all, with no task in it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from steersman.adapters.git.clone import clone
from steersman.adapters.trees.incoming import incoming_tree, put_in_place
from steersman.adapters.trees.unpack import unpack
from steersman.api.ports import GitSource, StoredWorkspace
from steersman.app.places import Places
from steersman.app.threads import KeepOn, in_thread
from steersman.core.errors import Invalid
from steersman.core.ids import OwnerId
from steersman.core.ports import TaskStore

_AT_ONCE = 2
"""Others wait: they would take the threads from everything else that this process does."""

_MAKE_LIMIT = timedelta(minutes=3)
_MOVE_LIMIT = timedelta(minutes=1)

Make = Callable[[Path, KeepOn], StoredWorkspace]
"""Fill an empty folder."""


class Puts:
    """Fill a folder beside the workspaces, then let it take the place of one.

    Only for the last step are tasks kept out, so a slow upload or clone keeps nobody waiting.
    """

    def __init__(self, places: Places, store: TaskStore) -> None:
        self._places = places
        self._store = store
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def archive(self, owner_id: OwnerId, name: str, archive: Path) -> StoredWorkspace:
        """Put what is in a tar or zip. Raises Malformed and TooLarge."""

        def make(tree: Path, keep_on: KeepOn) -> StoredWorkspace:
            unpacked = unpack(archive, tree, keep_on)
            return StoredWorkspace(unpacked.files, unpacked.size_bytes)

        return await self._put(owner_id, name, make)

    async def git(self, owner_id: OwnerId, name: str, source: GitSource) -> StoredWorkspace:
        """Put a commit of a repository. Raises Invalid and TooLarge."""

        def make(tree: Path, keep_on: KeepOn) -> StoredWorkspace:
            cloned = clone(source.url, source.ref, tree, keep_on)
            return StoredWorkspace(cloned.files, cloned.size_bytes)

        return await self._put(owner_id, name, make)

    async def _put(self, owner_id: OwnerId, name: str, make: Make) -> StoredWorkspace:
        async with self._room, self._incoming() as tree:
            stored = await in_thread(lambda keep_on: make(tree, keep_on), _MAKE_LIMIT)
            async with self._store.exclusive_workspace(owner_id, name) as ref:
                if ref.path is not None:
                    raise Invalid("This workspace is a directory of its owner; put another.")
                directory = self._places.directory(ref)
                await in_thread(lambda _: put_in_place(tree, directory), _MOVE_LIMIT)
        return stored

    @asynccontextmanager
    async def _incoming(self) -> AsyncGenerator[Path]:
        incoming = incoming_tree(self._places.incoming)
        tree = await asyncio.to_thread(incoming.__enter__)
        try:
            yield tree
        finally:
            await asyncio.shield(asyncio.to_thread(incoming.__exit__, None, None, None))

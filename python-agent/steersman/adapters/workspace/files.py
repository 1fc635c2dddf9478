"""The port WorkspaceFiles over a directory: list, read and replace files by their paths."""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from steersman.adapters.workspace.opening import (
    NotThere,
    components,
    open_file_at,
    open_folder,
    split,
    stat_at,
)
from steersman.adapters.workspace.patterns import matches
from steersman.adapters.workspace.replacing import (
    MAX_FILE_BYTES,
    digest_at,
    read_all,
    replace_at,
)
from steersman.adapters.workspace.walking import walk
from steersman.core.tool import FileEntry, ToolFailure

_MAX_SCANNED = 100_000


class DirectoryFiles:
    """The files below one directory. The methods block; call them from a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, path: str, pattern: str | None, limit: int) -> tuple[list[FileEntry], bool]:
        """Return the files below `path`, caches and version control left out; a file is itself.

        A pattern may be relative to `path` or to the workspace: models write both.
        """
        below = "".join(f"{name}/" for name in components(path))
        found: list[FileEntry] = []
        for scanned, entry in enumerate(self._entries(path)):
            if scanned == _MAX_SCANNED:
                return found, True
            if pattern is None or _matches(entry.path, below, pattern):
                if len(found) == limit:
                    return found, True
                found.append(entry)
        return found, False

    @contextmanager
    def open(self, path: str) -> Generator[int]:
        """Open an ordinary file of any size for reading; give its descriptor."""
        folders, name = split(path)
        with (
            open_folder(self._root, folders, path) as folder,
            open_file_at(folder, name, path) as file,
        ):
            yield file

    def read(self, path: str) -> bytes:
        """Read a whole file of at most MAX_FILE_BYTES."""
        with self.open(path) as file:
            return read_all(file, path)

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of a file's content, or None when there is no such file."""
        folders, name = split(path)
        try:
            with open_folder(self._root, folders, path) as folder:
                return digest_at(folder, name, path)
        except NotThere:
            return None

    def replace(self, path: str, content: bytes, *, expected: str | None) -> None:
        """Write a file durably and atomically if its digest is `expected`, else `conflict`."""
        folders, name = split(path)
        if len(content) > MAX_FILE_BYTES:
            raise ToolFailure("too_large", f"{path}: {len(content):,} bytes; 1 MB can be written.")
        if any(part.casefold() == ".git" for part in (*folders, name)):
            raise ToolFailure("outside_workspace", f"{path}: nothing may be written into .git.")
        with open_folder(self._root, folders, path, make=True) as folder:
            replace_at(folder, name, path, content, expected=expected)

    def _entries(self, path: str) -> Iterator[FileEntry]:
        names = components(path)
        below = "".join(f"{name}/" for name in names)
        if names and not path.endswith("/") and self._is_file(names, path):
            with self.open(path) as file:
                found = os.fstat(file)
                yield FileEntry("/".join(names), found.st_size, found.st_mtime)
        else:
            with open_folder(self._root, names, path) as folder:
                yield from walk(folder, below)

    def _is_file(self, names: tuple[str, ...], path: str) -> bool:
        with open_folder(self._root, names[:-1], path) as folder:
            return not stat.S_ISDIR(stat_at(folder, names[-1], path).st_mode)


def _matches(path: str, below: str, pattern: str) -> bool:
    return matches(path, pattern) or matches(path.removeprefix(below), pattern)

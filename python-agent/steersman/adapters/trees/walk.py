"""Walk a tree that others may change meanwhile, and never leave it.

Each folder and file is opened relative to the folder before it and never through a symbolic link,
so neither a link nor a rename, also one that happens just now, leads out.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

_MAX_DEPTH = 200
"""Deeper than the tools reach, so that a diff shows also what only commands can make."""

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a FIFO would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Kind(StrEnum):
    """What is found. Devices, FIFOs and sockets are not.

    A folder is found a second time as CLOSED when what is in it is not: it is too deep, or may not
    be read.
    """

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Found:
    """Something of a tree, as it was when the walk passed. `path` is relative, with `/`.

    `folder` is the open folder that holds it; it is open only until the walk goes on.
    """

    path: str
    kind: Kind
    status: os.stat_result
    folder: int

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def executable(self) -> bool:
        """Say whether its owner may run it."""
        return bool(self.status.st_mode & stat.S_IXUSR)

    def open(self) -> int:
        """Open an ordinary file to read; raises OSError when it cannot be, or is none any more."""
        return _open_file(self.folder, self.name)

    def target(self) -> str:
        """Read where a link leads; raises OSError when it is none any more."""
        return os.readlink(self.name, dir_fd=self.folder)


def walk(root: Path, leave_out: Callable[[str], bool]) -> Iterator[Found]:
    """Yield what is in a tree, sorted by name within each folder, folders before their content.

    Paths that `leave_out` tells are passed by with all below, as is what vanishes meanwhile.
    """
    with suppress(OSError):
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield from _walk(folder, "", leave_out, _MAX_DEPTH)
        finally:
            os.close(folder)


def _walk(
    folder: int, prefix: str, leave_out: Callable[[str], bool], depth: int
) -> Iterator[Found]:
    for name in sorted(os.listdir(folder)):
        if leave_out(prefix + name):
            continue
        with suppress(OSError):
            found = _look(folder, prefix, name)
            if found is None:
                continue
            yield found
            if found.kind is Kind.FOLDER:
                yield from _below(found, leave_out, depth - 1)


def _below(found: Found, leave_out: Callable[[str], bool], depth: int) -> Iterator[Found]:
    if depth < 0:
        yield replace(found, kind=Kind.CLOSED)
        return
    try:
        folder = os.open(found.name, _FOLDER, dir_fd=found.folder)
    except OSError as error:
        if error.errno not in _GONE:
            yield replace(found, kind=Kind.CLOSED)
        return
    try:
        yield from _walk(folder, f"{found.path}/", leave_out, depth)
    finally:
        os.close(folder)


def _look(folder: int, prefix: str, name: str) -> Found | None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        return Found(prefix + name, Kind.FILE, status, folder)
    if stat.S_ISDIR(status.st_mode):
        return Found(prefix + name, Kind.FOLDER, status, folder)
    if stat.S_ISLNK(status.st_mode):
        return Found(prefix + name, Kind.LINK, status, folder)
    return None


def _open_file(folder: int, name: str) -> int:
    file = os.open(name, _FILE, dir_fd=folder)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise OSError("it is no ordinary file")

"""A tree that is being written from what strangers sent.

Each folder is opened relative to the one before, nothing that exists is written over, and links
are made when all else is there: so nothing is ever written through a link.
"""

import errno
import os
import stat
from collections.abc import Iterable
from io import RawIOBase
from pathlib import Path
from types import TracebackType

from steersman.adapters.trees.allowance import Allowance
from steersman.adapters.trees.names import parts_of, stays_inside
from steersman.core.errors import Malformed, Unavailable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REASONS = {
    errno.EEXIST: "is there twice",
    errno.EISDIR: "is a folder and a file",
    errno.ELOOP: "is below a link",
    errno.ENAMETOOLONG: "has too long a name",
    errno.ENOENT: "is linked before it is there",
    errno.ENOTDIR: "is below a file or link",
    errno.EILSEQ: "is no possible name",
    errno.EINVAL: "is no possible name",
}


class DiskFull(Unavailable):
    """The server's disk is full. Try again when there is room."""


class NewTree:
    """An empty folder that is filled. Only this object may know it."""

    def __init__(self, root: Path, allowance: Allowance) -> None:
        self.allowance = allowance
        self.files = 0
        self.size_bytes = 0
        self._root = os.open(root, _FOLDER)
        # The folder that was written to last: archives go through a folder before the next.
        self._at: tuple[tuple[str, ...], int] = ((), os.dup(self._root))
        self._links: list[tuple[str, str]] = []

    def __enter__(self) -> "NewTree":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._root)
        os.close(self._at[1])

    def folder(self, path: str) -> None:
        """Make a folder, if it is not there."""
        self._open(parts_of(path), path)

    def file(self, path: str, chunks: Iterable[bytes], *, executable: bool) -> None:
        """Write a file. Of its permissions only whether it may be run is kept."""
        folder, name = self._place(path)
        self.allowance.take_entry()
        try:
            file = os.open(name, _NEW_FILE, 0o755 if executable else 0o644, dir_fd=folder)
        except OSError as error:
            raise _refusal(error, path) from error
        size = 0
        with os.fdopen(file, "wb", buffering=0) as stream:
            for chunk in chunks:
                size += len(chunk)
                self.allowance.check_file(path, size)
                _write(stream, chunk)
        self._count(size)

    def hard_link(self, path: str, to: str) -> None:
        """Give a file that is there a second name; its bytes count again."""
        folder, name = self._place(path)
        folder = os.dup(folder)
        self.allowance.take_entry()
        try:
            source, source_name = self._place(to)
            status = os.stat(source_name, dir_fd=source, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                raise Malformed(f"{path!r} in the archive is another name of what is no file.")
            self.allowance.take_bytes(status.st_size)
            os.link(source_name, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            raise _refusal(error, path) from error
        finally:
            os.close(folder)
        self._count(status.st_size)

    def link(self, path: str, target: str) -> None:
        """Remember a symbolic link; raises Malformed unless it stays inside."""
        self.allowance.take_entry()
        parts_of(path)
        if not stays_inside(path, target):
            raise Malformed(
                f"{path!r} in the archive is a link that leads out ({target!r}); leave it out."
            )
        self._links.append((path, target))

    def finish(self) -> None:
        """Make the links."""
        for path, target in self._links:
            folder, name = self._place(path)
            try:
                os.symlink(target, name, dir_fd=folder)
            except OSError as error:
                raise _refusal(error, path) from error
            self.files += 1

    def _count(self, size_bytes: int) -> None:
        self.files += 1
        self.size_bytes += size_bytes

    def _place(self, path: str) -> tuple[int, str]:
        parts = parts_of(path)
        if not parts:
            raise Malformed(f"{path!r} in the archive is no name of a file.")
        return self._open(parts[:-1], path), parts[-1]

    def _open(self, folders: tuple[str, ...], path: str) -> int:
        if self._at[0] == folders:
            return self._at[1]
        current = os.dup(self._root)
        try:
            for name in folders:
                following = self._enter(current, name)
                os.close(current)
                current = following
        except OSError as error:
            os.close(current)
            raise _refusal(error, path) from error
        os.close(self._at[1])
        self._at = (folders, current)
        return current

    def _enter(self, folder: int, name: str) -> int:
        try:
            os.mkdir(name, 0o755, dir_fd=folder)
        except FileExistsError:
            return os.open(name, _FOLDER, dir_fd=folder)
        self.allowance.take_entry()
        return os.open(name, _FOLDER, dir_fd=folder)


def _write(stream: RawIOBase, chunk: bytes) -> None:
    left = memoryview(chunk)
    try:
        while left:
            left = left[stream.write(left) :]
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise


def _refusal(error: OSError, path: str) -> Exception:
    if error.errno in _FULL:
        return DiskFull()
    why = _REASONS.get(error.errno or 0)
    return error if why is None else Malformed(f"{path!r} in the archive {why}.")

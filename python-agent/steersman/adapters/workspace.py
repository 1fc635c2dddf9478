"""The files of one workspace, and nothing outside of it.

Every path is walked from the workspace's root, one component at a time, each opened relative to
the one before and never through a symbolic link. So no `..`, link or rename, also one that happens
meanwhile, leads out.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from steersman.core.tool import FileEntry, ToolFailure

MAX_FILE_BYTES = 1024 * 1024
_MAX_DEPTH = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_LISTED = frozenset(
    {".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".ruff_cache"}
)
_REASONS = {
    errno.ENOENT: ("not_found", "there is no such file"),
    errno.ENOTDIR: ("not_found", "there is no such file"),
    errno.ELOOP: ("outside_workspace", "it is or goes through a symbolic link"),
    errno.EISDIR: ("not_a_file", "it is a folder"),
    errno.ENXIO: ("not_a_file", "it is not an ordinary file"),
    errno.ENAMETOOLONG: ("not_found", "the name is too long"),
}


class DirectoryFiles:
    """The port WorkspaceFiles over a directory. Its methods block; call them from a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, path: str, pattern: str | None, limit: int) -> tuple[list[FileEntry], bool]:
        """Return the ordinary files below `path`, caches and version control left out."""
        found: list[FileEntry] = []
        for entry in self._entries(path):
            if pattern is None or _matches(entry.path, pattern):
                if len(found) == limit:
                    return found, True
                found.append(entry)
        return found, False

    def read(self, path: str) -> bytes:
        """Read a whole file of at most MAX_FILE_BYTES."""
        with self._open(path) as file:
            size = os.fstat(file).st_size
            if size > MAX_FILE_BYTES:
                raise ToolFailure("too_large", f"{path}: {size:,} bytes; 1 MB can be read.")
            return _read_all(file, path)

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of a file's content, or None when there is no such file."""
        try:
            with self._open(path) as file:
                return hashlib.sha256(_read_all(file, path)).hexdigest()
        except ToolFailure as failure:
            if failure.code == "not_found":
                return None
            raise

    def replace(self, path: str, content: bytes, *, expected: str | None) -> None:
        """Write a new file beside the old one, flush it, and put it in its place."""
        if len(content) > MAX_FILE_BYTES:
            raise ToolFailure("too_large", f"{path}: {len(content):,} bytes; 1 MB can be written.")
        folders, name = _split(path)
        if ".git" in (*folders, name):
            raise ToolFailure("outside_workspace", f"{path}: .git is not yours to write.")
        with self._folder(folders, path, make=True) as folder:
            if self.digest(path) != expected:
                raise ToolFailure("conflict", f"{path} has changed meanwhile.")
            _write_beside(folder, name, content)

    @contextmanager
    def _open(self, path: str) -> Generator[int]:
        folders, name = _split(path)
        with self._folder(folders, path, make=False) as folder:
            file = _open_at(folder, name, _FILE, path)
        try:
            mode = os.fstat(file).st_mode
            if not stat.S_ISREG(mode):
                what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
                raise ToolFailure("not_a_file", f"{path}: it is {what}.")
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _folder(self, folders: tuple[str, ...], path: str, *, make: bool) -> Generator[int]:
        current = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=current)
                following = _open_at(current, name, _FOLDER, path)
                os.close(current)
                current = following
            yield current
        finally:
            os.close(current)

    def _entries(self, path: str) -> Iterator[FileEntry]:
        folders = _components(path)
        prefix = "".join(f"{name}/" for name in folders)
        try:
            with self._folder(folders, path, make=False) as folder:
                yield from _walk(folder, prefix, depth=0)
        except ToolFailure as failure:
            if failure.code != "not_found":
                raise
            with self._open(path) as file:  # a file lists itself
                found = os.fstat(file)
                yield FileEntry(prefix.rstrip("/"), found.st_size, found.st_mtime)


def _walk(folder: int, prefix: str, *, depth: int) -> Iterator[FileEntry]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in _NOT_LISTED:
            continue
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        path = prefix + entry.name
        if stat.S_ISREG(found.st_mode):
            yield FileEntry(path, found.st_size, found.st_mtime)
        elif stat.S_ISDIR(found.st_mode) and depth < _MAX_DEPTH:
            with suppress(ToolFailure):  # it went, or became a link, since we looked
                below = _open_at(folder, entry.name, _FOLDER, path)
                try:
                    yield from _walk(below, f"{path}/", depth=depth + 1)
                finally:
                    os.close(below)


def _components(path: str) -> tuple[str, ...]:
    if path.startswith("/"):
        raise ToolFailure("outside_workspace", f"{path}: paths are relative to the workspace.")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ToolFailure("outside_workspace", f"{path}: .. leads out of the workspace.")
    if "\0" in path:
        raise ToolFailure("not_found", "a path holds no NUL.")
    return parts


def _split(path: str) -> tuple[tuple[str, ...], str]:
    parts = _components(path)
    if not parts:
        raise ToolFailure("not_a_file", f"{path!r}: it is a folder.")
    return parts[:-1], parts[-1]


def _open_at(folder: int, name: str, flags: int, path: str) -> int:
    try:
        return os.open(name, flags, 0o666, dir_fd=folder)
    except OSError as error:
        code, why = _REASONS.get(error.errno or 0, ("not_found", os.strerror(error.errno or 0)))
        if flags & os.O_DIRECTORY and error.errno == errno.ENOTDIR and _is_link(folder, name):
            code, why = _REASONS[errno.ELOOP]
        raise ToolFailure(code, f"{path}: {why}.") from None


def _is_link(folder: int, name: str) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


def _read_all(file: int, path: str) -> bytes:
    """Read at most one byte more than is allowed: the file may grow while it is read."""
    with os.fdopen(os.dup(file), "rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ToolFailure("too_large", f"{path}: more than 1 MB.")
    return raw


def _write_beside(folder: int, name: str, content: bytes) -> None:
    temporary = f".{name[:100]}.{secrets.token_hex(6)}.tmp"
    mode = 0o644
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode) & 0o777
    file = os.open(temporary, _NEW_FILE, mode, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def _matches(path: str, pattern: str) -> bool:
    """Match the name, or the path if the pattern has a slash; `**` spans folders."""
    if "/" not in pattern:
        return fnmatch(PurePosixPath(path).name, pattern)
    flexible = pattern.removeprefix("./")
    return fnmatch(path, flexible) or fnmatch(path, flexible.replace("**/", ""))

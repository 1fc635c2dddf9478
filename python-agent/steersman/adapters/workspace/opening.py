"""Open what a path of a workspace names, and nothing outside of the workspace.

A path is walked from the root, one component at a time, each opened relative to the one before and
never through a symbolic link. So no `..`, link or rename, also one that happens meanwhile, leads
out. Devices, FIFOs and sockets are looked at before anything is opened: opening one can block or
have an effect.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from steersman.core.tool import ToolFailure

MAX_DEPTH = 40
_MAX_NAME_BYTES = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NOT_PERMITTED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class NotThere(ToolFailure):
    """The path is a good one, and nothing is there."""

    def __init__(self, path: str) -> None:
        super().__init__("not_found", f"{path}: there is no such file or folder.")


def components(path: str) -> tuple[str, ...]:
    """Split a path into names; none for the workspace itself."""
    if path.startswith("/"):
        raise ToolFailure("outside_workspace", f"{path}: give a path relative to the workspace.")
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    if ".." in names:
        raise ToolFailure("outside_workspace", f"{path}: give the path without `..`.")
    if not all(_is_name(name) for name in names):
        raise ToolFailure("not_found", f"{path!r}: a name is too long or holds what no name can.")
    if len(names) > MAX_DEPTH:
        raise ToolFailure("not_found", f"{path}: more than {MAX_DEPTH} levels deep.")
    return names


def split(path: str) -> tuple[tuple[str, ...], str]:
    """Split the path of a file into the names of its folders and its own."""
    names = components(path)
    if not names or path.endswith("/"):
        raise ToolFailure("not_a_file", f"{path!r} names a folder; give the path of a file.")
    return names[:-1], names[-1]


@contextmanager
def open_folder(
    root: Path, names: tuple[str, ...], path: str, *, make: bool = False
) -> Generator[int]:
    """Open a folder; `make` makes those that are missing, durably."""
    current = _open_root(root, path)
    try:
        for name in names:
            if make:
                make_folder(current, name, path)
            following = open_folder_at(current, name, path)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def _open_root(root: Path, path: str) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        # A command may have taken away the workspace itself, or the right to look into it.
        if error.errno == errno.ENOENT:
            raise NotThere(path) from None
        if error.errno in _NOT_PERMITTED:
            said = "The workspace's own permissions do not allow it."
            raise ToolFailure("not_permitted", said) from None
        raise


@contextmanager
def open_file_at(folder: int, name: str, path: str) -> Generator[int]:
    """Open an ordinary file of a folder for reading."""
    _require_file(stat_at(folder, name, path), path)
    try:
        file = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        raise refusal(error, folder, name, path) from None
    try:
        _require_file(os.fstat(file), path)  # it may be another one than a moment ago
        yield file
    finally:
        os.close(file)


def open_folder_at(folder: int, name: str, path: str) -> int:
    """Open a folder of a folder."""
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        raise refusal(error, folder, name, path) from None


def make_folder(folder: int, name: str, path: str) -> None:
    """Make a folder if nothing has its name."""
    try:
        os.mkdir(name, dir_fd=folder)
        os.fsync(folder)
    except FileExistsError:
        pass
    except OSError as error:
        raise refusal(error, folder, name, path) from None


def stat_at(folder: int, name: str, path: str) -> os.stat_result:
    """Look at an entry of a folder. A link is refused, whatever it leads to."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise refusal(error, folder, name, path) from None
    if stat.S_ISLNK(found.st_mode):
        raise _link(folder, name, path)
    return found


def refusal(error: OSError, folder: int, name: str, path: str) -> ToolFailure:
    """Say in a tool's words what the system refused. Raises the error that is no tool's doing."""
    # A link that was no folder is told by looking; by then it may be another thing again.
    if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and _is_link(folder, name)):
        return _link(folder, name, path)
    if error.errno == errno.ENOENT:
        return NotThere(path)
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
        what = "a folder" if error.errno == errno.EISDIR else "not a folder"
        return ToolFailure("not_a_file", f"{path}: {name} is {what}.")
    if error.errno == errno.ENAMETOOLONG:
        return ToolFailure("not_found", f"{path}: the name {name} is too long.")
    if error.errno in _NOT_PERMITTED:
        return ToolFailure("not_permitted", f"{path}: the permissions of {name} do not allow it.")
    raise error


def _require_file(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a device, pipe or socket"
        raise ToolFailure("not_a_file", f"{path} is {what}, not a file.")


def _is_name(name: str) -> bool:
    try:
        return "\0" not in name and len(os.fsencode(name)) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


def _is_link(folder: int, name: str) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


def _link(folder: int, name: str, path: str) -> ToolFailure:
    target = "another place"
    with suppress(OSError):
        target = os.readlink(name, dir_fd=folder)
    return ToolFailure(
        "outside_workspace",
        f"{path}: {name} is a symbolic link to {target}. Links are not followed; "
        "use the real path, if it is in the workspace.",
    )

"""Remove a tree, however deep it is and whatever its permissions are, never through a link.

A command can nest thousands of folders. So this is neither recursive nor does it keep a folder open
for each level: what is in a folder is moved up to the root before the folder goes.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; what the system does not let go of stays."""
    with suppress(OSError):
        root = _enter(str(folder), None)
        try:
            _empty(root)
        finally:
            os.close(root)
        folder.rmdir()


def _empty(root: int) -> None:
    """Empty a folder in rounds: each takes one level off all that is below it."""
    stays: set[str] = set()
    while left := set(os.listdir(root)) - stays:
        for name in left:
            # What cannot go now cannot in the next round either, and must not be tried for ever.
            if not _remove(root, name):
                stays.add(name)


def _remove(root: int, name: str) -> bool:
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=root)
            return True
        below: int = _enter(name, root)
        try:
            for each in os.listdir(below):
                with suppress(OSError):
                    _lift(root, below, each)
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=root)
    except OSError:
        return False
    return True


def _lift(root: int, folder: int, name: str) -> None:
    """Take something out of a folder: files at once, folders to the root."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    os.close(_enter(name, folder))  # only what may be written to can be moved
    os.rename(name, secrets.token_hex(16), src_dir_fd=folder, dst_dir_fd=root)


def _enter(name: str, folder: int | None) -> int:
    """Open a folder after giving its owner every right to it."""
    place = os.open(name, _PLACE, dir_fd=folder)
    try:
        # By way of /proc, because chmod by a name could follow a link that has just taken it.
        Path(f"/proc/self/fd/{place}").chmod(0o700)
    finally:
        os.close(place)
    return os.open(name, _FOLDER, dir_fd=folder)

"""Make a new tree beside the old one and put it in its place at once.

A put that fails or is killed leaves the old tree whole. What a killed one left is removed by the
next.
"""

import ctypes
import errno
import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from steersman.adapters.trees.removal import remove_tree

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_SUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def incoming_tree(incoming: Path) -> Generator[Path]:
    """Give an empty folder to fill; whatever is in it at the end of the block is removed."""
    incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(incoming):
        _sweep(incoming)
        folder = Path(tempfile.mkdtemp(dir=incoming))
        holding = _lock(folder)
    try:
        tree = folder / "tree"
        tree.mkdir(mode=0o700)
        yield tree
    finally:
        try:
            remove_tree(folder)
        finally:
            os.close(holding)


def put_in_place(tree: Path, target: Path) -> None:
    """Flush a tree and let it and what is at `target` change places, if there is something.

    Where the file system cannot exchange two names, the old tree is moved away first: for that
    moment there is none, and if we are killed in it, the old one stays beside the new one.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _flush(tree)
    if not os.path.lexists(target):
        tree.rename(target)
    elif not _exchange(tree, target):
        _replace_in_two_steps(tree, target)
    _flush(target.parent)


def _replace_in_two_steps(tree: Path, target: Path) -> None:
    old = tree.parent / "old"
    target.rename(old)
    try:
        tree.rename(target)
    except OSError:
        old.rename(target)
        raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step (Linux's renameat2); False where that cannot be done."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_SUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _flush(folder: Path) -> None:
    """Flush the file system that holds a folder: one call for thousands of new files."""
    flush = getattr(ctypes.CDLL(None), "syncfs", None)
    if flush is None:
        os.sync()
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(opened)
    finally:
        os.close(opened)


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    held = _lock(folder)
    try:
        yield
    finally:
        os.close(held)


def _lock(folder: Path, flags: int = 0) -> int:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | flags)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _sweep(incoming: Path) -> None:
    """Remove what nobody holds any more, but an old tree that was never replaced."""
    for folder in incoming.iterdir():
        with suppress(OSError):
            held = _lock(folder, fcntl.LOCK_NB)
            try:
                if not (folder / "old").exists() or not (folder / "tree").exists():
                    remove_tree(folder)
            finally:
                os.close(held)

"""Walk the files below a folder, in the order of their paths."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase

from steersman.adapters.workspace.opening import MAX_DEPTH, open_folder_at
from steersman.core.tool import CACHES, LEFTOVERS, FileEntry, ToolFailure

_LEFT_OUT = CACHES | {".git"}


def walk(folder: int, prefix: str) -> Iterator[FileEntry]:
    """Yield the ordinary files below an open folder.

    Links, devices, caches, version control and what a crash left of a write are no part of it, nor
    is anything deeper than a path may be. What goes or cannot be read meanwhile is left out.
    """
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=_place)
    for entry in entries:
        if entry.name in _LEFT_OUT or fnmatchcase(entry.name, LEFTOVERS):
            continue
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if path.count("/") + 1 < MAX_DEPTH:
                with suppress(ToolFailure):
                    yield from _walk_into(folder, entry.name, path)
        elif entry.is_file(follow_symlinks=False):
            with suppress(OSError):
                yield _file_entry(entry, path)


def _walk_into(folder: int, name: str, path: str) -> Iterator[FileEntry]:
    below = open_folder_at(folder, name, path)
    try:
        yield from walk(below, f"{path}/")
    finally:
        os.close(below)


def _place(entry: os.DirEntry[str]) -> str:
    """Sort a folder where its files sort: `a.py` comes before `a/b.py`."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _file_entry(entry: os.DirEntry[str], path: str) -> FileEntry:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    return FileEntry(path, found.st_size, found.st_mtime)

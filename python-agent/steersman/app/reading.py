"""Read a workspace for its history: all of it at a task's start, as much as may be for a diff.

A command could make so many files that no diff can be made, or go deeper than anybody looks. Then
the diff is a part, and says so: what was there at the start comes first, new files after it.
"""

import hashlib
import os
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from steersman.adapters.git.versions import Item, Steering, Unread, Version
from steersman.adapters.trees.walk import Found, Kind, walk
from steersman.app.threads import KeepOn
from steersman.core.errors import TooLarge
from steersman.core.tool import CACHES, LEFTOVERS

LARGEST_VERSION_BYTES = 8 * 1024 * 1024
"""Larger files are named in a diff, but not kept and not compared."""

MOST_VERSIONS = 50_000

_CONFIGURATION = ("config", "config.worktree", "commondir")
_OTHERS = ("modules", "worktrees")
"""Folders of a `.git` that hold more of its like."""


@dataclass(frozen=True, slots=True)
class Most:
    """How much a diff reads. After `bytes` and `time` the rest is only named or counted."""

    new_files: int = MOST_VERSIONS
    bytes: int = 1024 * 1024 * 1024
    time: timedelta = timedelta(seconds=30)


_MOST = Most()


def read_all(root: Path, keep_on: KeepOn) -> Iterator[Item]:
    """Yield everything in a workspace as it is now. Raises TooLarge past MOST_VERSIONS."""
    count = 0
    for found in walk(root, _is_left_out):
        keep_on()
        if found.kind is not Kind.FOLDER:
            count += 1
            yield _item(found)
        if count > MOST_VERSIONS:
            raise TooLarge(
                f"The workspace has more than {MOST_VERSIONS:,} files; there is no diff."
            )


def read_since(
    root: Path, keep_on: KeepOn, known: Container[str], most: Most = _MOST
) -> Iterator[Item]:
    """Yield what is in a workspace: what is `known` or steers git first, then as much as may be."""
    passes = _Passes(root, keep_on, most)
    yield from passes.over(lambda path: path in known or _steers(path))
    cut = passes.stopped
    yield from passes.over(lambda path: path not in known and not _steers(path), most.new_files)
    if passes.unread or passes.stopped:
        yield Unread(passes.unread, cut)


class _Passes:
    """Several passes over a workspace that share their bytes and their time."""

    def __init__(self, root: Path, keep_on: KeepOn, most: Most) -> None:
        self._root = root
        self._keep_on = keep_on
        self._bytes = most.bytes
        self._end = time.monotonic() + most.time.total_seconds()
        self.unread = 0
        self.stopped = False

    def over(self, wanted: Callable[[str], bool], files: int | None = None) -> Iterator[Item]:
        """Yield what is wanted; past `files` it is only counted, past the time nothing is."""
        left = files
        for found in walk(self._root, _is_left_out):
            self._keep_on()
            if time.monotonic() > self._end:
                self.stopped = True
                return
            if found.kind is Kind.FOLDER or not wanted(found.path):
                continue
            if left == 0:
                self.unread += 1
                continue
            left = None if left is None else left - 1
            yield self._read(found)

    def _read(self, found: Found) -> Item:
        if self._bytes <= 0 and not _steers(found.path):
            return Version(_name(found), _mode(found), None)
        item = _item(found)
        if isinstance(item, Version):
            self._bytes -= len(item.content or b"")
        return item


def _is_left_out(path: str) -> bool:
    parts = path.split("/")
    if parts[-1] in CACHES or fnmatchcase(parts[-1], LEFTOVERS):
        return True
    inside = _inside_git(parts)
    return bool(inside) and not _may_hold_steering(inside)


def _inside_git(parts: list[str]) -> list[str]:
    """Return the path below the first `.git`, nothing for what is in none."""
    for at, part in enumerate(parts):
        if part.casefold() == ".git":
            return parts[at + 1 :]
    return []


def _may_hold_steering(inside: list[str]) -> bool:
    if inside[0] in _OTHERS:
        return inside[-1] not in ("objects", "refs", "logs", "lfs", "index", "HEAD")
    if inside[0] == "hooks":
        return not inside[-1].endswith(".sample")
    return inside[0] in _CONFIGURATION or inside in (["info"], ["info", "attributes"])


def _steers(path: str) -> bool:
    return ".git" in (part.casefold() for part in path.split("/"))


def _item(found: Found) -> Item:
    content = _content(found)
    if _steers(found.path):
        return Steering(found.path, hashlib.sha256(content or b"").hexdigest())
    return Version(_name(found), _mode(found), content)


def _name(found: Found) -> str:
    return f"{found.path}/" if found.kind is Kind.CLOSED else found.path


def _mode(found: Found) -> str:
    if found.kind is Kind.LINK:
        return "120000"
    return "100755" if found.executable else "100644"


def _content(found: Found) -> bytes | None:
    """Read a file, or where a link leads; None when it is too large or cannot be read."""
    if found.kind is Kind.CLOSED or found.status.st_size > LARGEST_VERSION_BYTES:
        return None
    try:
        if found.kind is Kind.LINK:
            return os.fsencode(found.target())
        with os.fdopen(found.open(), "rb") as file:
            content = file.read(LARGEST_VERSION_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= LARGEST_VERSION_BYTES else None

"""Read a workspace for its history: all of it at a task's start, as much as may be for a diff.

A command could make so many files that no diff can be made, or go deeper than anybody looks. Then
the diff is a part, and says so: what was there at the start comes first, new files after it.
"""

import hashlib
import os
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from steersman.adapters.git.versions import Item, Steering, Unread, Version
from steersman.adapters.trees.walk import Found, Kind, walk
from steersman.app.threads import KeepOn
from steersman.core.errors import TooLarge
from steersman.core.tool import LEFTOVERS

LARGEST_VERSION_BYTES = 8 * 1024 * 1024
"""Larger files are named in a diff, but not kept and not compared."""

MOST_VERSIONS = 50_000
CACHES = frozenset(
    {
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)
"""What no diff shows. A fixed list, because a `.gitignore` is written by whom it would hide."""

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
    """Yield what is in a workspace, but for what would be too much of what is not `known`."""
    new_files = unread = size = 0
    cut = False
    end = time.monotonic() + most.time.total_seconds()
    for found in walk(root, _is_left_out):
        keep_on()
        if cut := time.monotonic() > end:
            break
        if found.kind is Kind.FOLDER:
            continue
        new_files += found.path not in known
        if new_files > most.new_files and found.path not in known and not _steers(found.path):
            unread += 1
            continue
        item = _item(found) if size < most.bytes else _unread(found)
        size += len(item.content or b"") if isinstance(item, Version) else 0
        yield item
    if unread or cut:
        yield Unread(unread, cut)


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


def _unread(found: Found) -> Item:
    return _item(found) if _steers(found.path) else Version(_name(found), _mode(found), None)


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

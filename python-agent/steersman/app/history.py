"""What the shadow history is given of a workspace: its files without caches and giants."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from steersman.adapters.git.history import Version
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


def versions(root: Path, keep_on: KeepOn) -> Iterator[Version]:
    """Yield the files and links of a workspace as they are now.

    Raises TooLarge past MOST_VERSIONS.
    """
    count = 0
    for found in walk(root, _is_left_out):
        keep_on()
        if found.kind is Kind.FOLDER:
            continue
        count += 1
        if count > MOST_VERSIONS:
            raise TooLarge(
                f"The workspace has more than {MOST_VERSIONS:,} files; there is no diff."
            )
        yield Version(found.path, _mode(found), _content(found))


def _is_left_out(name: str) -> bool:
    return name in CACHES or name.casefold() == ".git" or fnmatchcase(name, LEFTOVERS)


def _mode(found: Found) -> str:
    if found.kind is Kind.LINK:
        return "120000"
    return "100755" if found.executable else "100644"


def _content(found: Found) -> bytes | None:
    """Read a file, or where a link leads; None when it is too large or cannot be read."""
    try:
        if found.kind is Kind.LINK:
            return os.fsencode(found.target())
        with os.fdopen(found.open(), "rb") as file:
            content = file.read(LARGEST_VERSION_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= LARGEST_VERSION_BYTES else None

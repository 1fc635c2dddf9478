"""What git runs on behalf of whoever calls it in a workspace: commands may use it, not change it.

A person's next `git status` would run what a command had written into `.git/config`, outside of
the sandbox. So that and its like are read-only, and `.git` itself is a mount of its own, because
otherwise it could be moved away and made anew. Commits work: objects, refs, index and HEAD stay
writable. Only a repository at the top that is there when the workspace is opened is held like
this; a path below folders that a command may rename could be a link to elsewhere by the time it
is mounted. Others are seen by the diff.
"""

import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_READ_ONLY = ("config", "config.worktree", "commondir", "hooks", "info", "modules", "worktrees")
_ALWAYS = ("hooks", "info")
_NEVER_NEW = ("config.worktree", "commondir")
"""Each makes git read configuration from another place; neither can be held while it is missing."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository at the top of a workspace. `mounts` are arguments of bwrap.

    `forbidden` are files that were not there and must not come.
    """

    mounts: tuple[str, ...] = ()
    forbidden: tuple[Path, ...] = ()

    def remove_forbidden(self) -> tuple[Path, ...]:
        """Remove what a command has put there; call it when nothing of the command runs."""
        found: list[Path] = []
        for path in self.forbidden:
            with suppress(FileNotFoundError, IsADirectoryError):
                path.unlink()
                found.append(path)
        return tuple(found)


def repository_of(directory: Path, seen_as: str) -> Repository:
    """Look at the repository of a workspace that the sandbox sees as `seen_as`.

    Nothing may run in the workspace meanwhile.
    """
    path, there = directory / ".git", f"{seen_as}/.git"
    if _is(path, stat.S_ISREG):  # the `.git` of a worktree or submodule: it names another place
        return Repository(("--ro-bind", str(path), there))
    if not _is(path, stat.S_ISDIR) or not _is(path / "config", stat.S_ISREG):
        return Repository()
    for name in _ALWAYS:
        with suppress(OSError):  # it is there, or nobody here may make it
            (path / name).mkdir()
    mounts = ["--bind", str(path), there]
    for name in _READ_ONLY:
        if _is(path / name, stat.S_ISREG) or _is(path / name, stat.S_ISDIR):
            mounts += ["--ro-bind", str(path / name), f"{there}/{name}"]
    missing = tuple(path / name for name in _NEVER_NEW if not _exists(path / name))
    return Repository(tuple(mounts), missing)


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False

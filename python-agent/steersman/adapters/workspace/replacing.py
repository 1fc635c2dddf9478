"""Replace one file of an open folder: all of it or nothing, whatever crashes."""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from fnmatch import fnmatchcase

from steersman.adapters.workspace.opening import NotThere, open_file_at, refusal, stat_at
from steersman.core.tool import LEFTOVERS, ToolFailure

MAX_FILE_BYTES = 1024 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_all(file: int, path: str) -> bytes:
    """Read an open file; one byte more than is allowed tells that it is too large."""
    with os.fdopen(os.dup(file), "rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ToolFailure(
            "too_large", f"{path}: files of more than 1 MB cannot be read or replaced here."
        )
    return raw


def digest_at(folder: int, name: str, path: str) -> str | None:
    """Return the SHA-256 of a file's content, or None when there is no such file."""
    try:
        with open_file_at(folder, name, path) as file:
            return hashlib.sha256(read_all(file, path)).hexdigest()
    except NotThere:
        return None


def replace_at(folder: int, name: str, path: str, content: bytes, *, expected: str | None) -> None:
    """Write a new file beside the old one, flush it, and put it in its place.

    The old content is compared last, so that a change made meanwhile is seen as late as can be.
    """
    _remove_leftovers(folder)
    temporary = LEFTOVERS.replace("*", secrets.token_hex(8))
    try:
        _write(folder, temporary, content, like=_permissions(folder, name, path))
        if digest_at(folder, name, path) != expected:
            raise ToolFailure("conflict", f"{path} has changed meanwhile; read it again.")
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        if isinstance(error, OSError):
            raise refusal(error, folder, name, path) from error
        raise
    os.fsync(folder)


def _permissions(folder: int, name: str, path: str) -> os.stat_result | None:
    try:
        found = stat_at(folder, name, path)
    except NotThere:
        return None
    if not found.st_mode & 0o222:
        raise ToolFailure(
            "not_permitted",
            f"{path} is read-only. Leave it, or make it writable first if the goal needs it.",
        )
    return found


def _write(folder: int, name: str, content: bytes, *, like: os.stat_result | None) -> None:
    file = os.open(name, _NEW_FILE, 0o644, dir_fd=folder)
    with os.fdopen(file, "wb") as stream:
        if like is not None:
            _keep_permissions(file, like)
        stream.write(content)
        stream.flush()
        os.fsync(file)


def _keep_permissions(file: int, like: os.stat_result) -> None:
    """Give the new file the old one's owner and permissions, but never its setuid bits."""
    with suppress(PermissionError):  # only root gives files away
        os.fchown(file, like.st_uid, like.st_gid)
    os.fchmod(file, stat.S_IMODE(like.st_mode) & 0o777)


def _remove_leftovers(folder: int) -> None:
    """Remove what a crash left. Nobody else writes here: a workspace has one holder."""
    for name in os.listdir(folder):
        if fnmatchcase(name, LEFTOVERS):
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)

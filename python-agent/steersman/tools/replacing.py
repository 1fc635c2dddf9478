"""How a file is replaced exactly once, whatever crashes: the intent holds both digests.

The key is `old:new`, SHA-256 of the content before (`-` for no file) and after. When the file is
new already it had been done; when it is old it is done now; anything else is somebody else's
change, and nobody's to overwrite.
"""

import hashlib

from steersman.core.tool import ToolFailure, WorkspaceFiles

_ABSENT = "-"


def plan(old: str | None, content: bytes) -> str:
    """Make the key of a replacement."""
    return f"{old or _ABSENT}:{hashlib.sha256(content).hexdigest()}"


def is_done(files: WorkspaceFiles, path: str, key: str) -> bool:
    """Say whether the file is as the key wants it already."""
    return files.digest(path) == key.partition(":")[2]


def replace(files: WorkspaceFiles, path: str, content: bytes, key: str) -> None:
    """Write the content that the key was made for. Raises ToolFailure `conflict`."""
    if is_done(files, path, key):
        return
    old = key.partition(":")[0]
    if plan(old, content) != key:
        raise ToolFailure("conflict", f"{path} has changed since this call was begun.")
    files.replace(path, content, expected=None if old == _ABSENT else old)

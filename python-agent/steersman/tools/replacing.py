"""How a file is replaced exactly once, whatever crashes: the intent holds both digests.

The key is `old:new`, SHA-256 of the content before (`-` for no file) and after. When the file is
new already it had been done; when it is old it is done now; anything else is somebody else's
change, and nobody's to overwrite.
"""

import asyncio
import hashlib
from collections.abc import Callable
from threading import Lock

from steersman.core.tool import ToolFailure, WorkspaceFiles

Change = Callable[[bytes | None], bytes]
"""Makes the new content from the old; None: there is no file. Raises ToolFailure."""

_ABSENT = "-"


async def plan(files: WorkspaceFiles, path: str, change: Change) -> str:
    """Make the key of a replacement. Raises ToolFailure when it cannot be made."""
    return await asyncio.to_thread(_plan, files, path, change)


async def carry_out(files: WorkspaceFiles, path: str, change: Change, key: str) -> None:
    """Replace the file unless that is done already. Raises ToolFailure `conflict`.

    A thread cannot be cancelled. A cancellation comes before it begins to write, and then it never
    does, or waits until it has written: so nothing is written after the task's log says that the
    call was cut, and what leads up to writing keeps nobody waiting.
    """
    writing = Lock()
    replacing = asyncio.ensure_future(
        asyncio.to_thread(_carry_out, files, path, change, key=key, writing=writing)
    )
    try:
        await asyncio.shield(replacing)
    except asyncio.CancelledError:
        if not writing.acquire(blocking=False):
            await asyncio.wait((replacing,))
        replacing.add_done_callback(_see)
        raise


def _see(replacing: "asyncio.Future[None]") -> None:
    if not replacing.cancelled():
        replacing.exception()  # seen, so that it is not reported: nobody waits for it any more


def _plan(files: WorkspaceFiles, path: str, change: Change) -> str:
    old = files.digest(path)
    return f"{old or _ABSENT}:{_digest(_changed(files, path, change, old))}"


def _carry_out(
    files: WorkspaceFiles, path: str, change: Change, *, key: str, writing: Lock
) -> None:
    old, _, new = key.partition(":")
    now = files.digest(path)
    if now == new:
        return
    if (now or _ABSENT) != old:
        raise _conflict(path)
    content = _changed(files, path, change, now)
    if _digest(content) != new:
        raise _conflict(path)
    # Taken once, by whoever is first: the cancellation or this.
    if writing.acquire(blocking=False):
        files.replace(path, content, expected=now)


def _changed(files: WorkspaceFiles, path: str, change: Change, old: str | None) -> bytes:
    return change(None if old is None else files.read(path))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _conflict(path: str) -> ToolFailure:
    return ToolFailure(
        "conflict", f"{path} has changed since this call was begun; read it and decide anew."
    )

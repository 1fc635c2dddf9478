"""Bytes of a workspace on their way out, read in threads, a bit at a time."""

import os
from collections.abc import AsyncIterator, Generator
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from steersman.adapters.trees.pack import packed
from steersman.adapters.workspace import DirectoryFiles
from steersman.api.ports import Content
from steersman.app.threads import in_order
from steersman.core.errors import NotFound
from steersman.core.tool import LEFTOVERS, ToolFailure

LARGEST_FILE_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024


def bytes_content(raw: bytes) -> Content:
    """Return bytes that are in memory anyway."""

    async def chunks() -> AsyncIterator[bytes]:
        yield raw

    return Content(chunks(), len(raw))


def stream_content(stream: IO[bytes]) -> Content:
    """Return an open file from its beginning, as long as it is now; it is closed at the end."""
    size = os.fstat(stream.fileno()).st_size
    return Content(in_order(_read(stream, size)), size)


def file_content(directory: Path, path: str) -> Content:
    """Open a file of a workspace; raises NotFound and ToolFailure. It blocks for a moment."""
    if not directory.is_dir():
        raise NotFound("There is no such file: no task has worked in this workspace yet.")
    with DirectoryFiles(directory).open(path) as opened:
        size = os.fstat(opened).st_size
        if size > LARGEST_FILE_BYTES:
            most = f"{LARGEST_FILE_BYTES:,}"
            raise ToolFailure("too_large", f"{path}: {size:,} bytes; {most} can be read at once.")
        return stream_content(os.fdopen(os.dup(opened), "rb"))


def archive_content(directory: Path) -> Content:
    """Return a tar of a directory as it is while it is read."""
    return Content(in_order(packed(directory, _is_leftover)))


def _read(stream: IO[bytes], size: int) -> Generator[bytes]:
    with closing(stream):
        while size > 0 and (chunk := stream.read(min(_CHUNK_BYTES, size))):
            size -= len(chunk)
            yield chunk


def _is_leftover(path: str) -> bool:
    return fnmatchcase(path.rpartition("/")[2], LEFTOVERS)

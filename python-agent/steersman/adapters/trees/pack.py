"""Pack a tree as a tar, bit by bit, while others may change it."""

import os
import tarfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from steersman.adapters.trees.names import stays_inside
from steersman.adapters.trees.walk import Found, Kind, walk

_CHUNK_BYTES = 256 * 1024
_TYPES = {Kind.FILE: tarfile.REGTYPE, Kind.FOLDER: tarfile.DIRTYPE, Kind.LINK: tarfile.SYMTYPE}


def packed(root: Path, leave_out: Callable[[str], bool]) -> Generator[bytes]:
    """Yield a tar of all files and folders, and of the links that stay inside.

    A file that shrinks meanwhile is filled up with zeros, one that grows is cut: the tar is whole
    in any case. What cannot be read is left out.
    """
    buffer = bytearray()
    for piece in _pieces(root, leave_out):
        buffer += piece
        if len(buffer) >= _CHUNK_BYTES:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer) + bytes(2 * tarfile.BLOCKSIZE)


def _pieces(root: Path, leave_out: Callable[[str], bool]) -> Iterator[bytes]:
    for found in walk(root, leave_out):
        match found.kind:
            case Kind.FOLDER:
                yield _header(found, 0)
            case Kind.LINK:
                yield from _link(found)
            case Kind.FILE:
                yield from _file(found)
            case Kind.CLOSED:
                pass


def _link(found: Found) -> Iterator[bytes]:
    try:
        target = found.target()
    except OSError:
        return
    if stays_inside(found.path, target):
        yield _header(found, 0, target)


def _file(found: Found) -> Iterator[bytes]:
    try:
        file = found.open()
    except OSError:
        return
    with os.fdopen(file, "rb") as stream:
        size = os.fstat(file).st_size
        yield _header(found, size)
        left = size
        while left > 0:
            chunk = _read(stream.read, min(_CHUNK_BYTES, left))
            left -= len(chunk)
            yield chunk
        yield bytes(-size % tarfile.BLOCKSIZE)


def _read(read: Callable[[int], bytes], size: int) -> bytes:
    try:
        return read(size) or bytes(size)
    except OSError:
        return bytes(size)


def _header(found: Found, size: int, target: str = "") -> bytes:
    member = tarfile.TarInfo(found.path)
    member.type = _TYPES[found.kind]
    member.linkname = target
    member.size = size
    member.mtime = int(found.status.st_mtime)
    member.mode = 0o755 if found.kind is Kind.FOLDER or found.executable else 0o644
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")

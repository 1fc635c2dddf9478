"""Read a tar, plain or compressed, that may have been made to do harm.

`tarfile` reads the headers; everything that it asks for goes through a reader that goes only
forward and gives it no more than an entry may need. So neither a header nor a compressed stream
can take more memory or time than is allowed.
"""

import bz2
import gzip
import lzma
import sys
import tarfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import SEEK_SET, BufferedIOBase
from typing import IO, Any, Protocol, cast

from steersman.adapters.trees.allowance import MEGABYTE, Allowance
from steersman.adapters.trees.new_tree import NewTree
from steersman.core.errors import Malformed

_CHUNK_BYTES = 256 * 1024
_HEADER_BYTES = MEGABYTE
"""What may stand before an entry's content: long names and extended headers."""

_LZMA_BYTES = 128 * MEGABYTE
"""What unpacking of xz may use; `xz -9` needs 65 MB."""

_BROKEN_STREAM = (OSError, EOFError, zlib.error, lzma.LZMAError)
_BROKEN_TAR = (tarfile.TarError, ValueError, OverflowError, RecursionError)


def unpack_tar(file: IO[bytes], tree: NewTree) -> None:
    """Write all entries of a tar into a tree."""
    with _opened(file) as stream:
        reader = _Reader(stream, tree.allowance)
        try:
            with tarfile.open(
                fileobj=reader, mode="r:", encoding="utf-8", errors="surrogateescape"
            ) as tar:
                for member in _members(tar, reader):
                    _unpack(member, reader, tree)
        except _BROKEN_TAR as error:
            raise Malformed(f"The body is no tar or zip that can be read: {error}.") from error
        reader.finish()


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Reader(BufferedIOBase):
    """A stream that `tarfile` may only go forward in, and only as far as `allow` says."""

    def __init__(self, stream: _Stream, allowance: Allowance) -> None:
        self._last_block = b""
        self._stream = stream
        self._allowance = allowance
        self._position = 0
        self._end = _HEADER_BYTES

    def allow(self, end: int) -> None:
        """Let it be read to this position."""
        self._end = end

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes, fewer only at the end; all of it is never read at once."""
        if size is None or size < 0 or self._position + size > self._end:
            raise Malformed("The tar has a header that is too long.")
        try:
            self._last_block = self._stream.read(size)
        except _BROKEN_STREAM as error:
            raise Malformed(f"The compressed tar is damaged or cut short: {error}.") from error
        self._position += len(self._last_block)
        self._allowance.take_bytes(len(self._last_block))
        return self._last_block

    def tell(self) -> int:
        """Return how far it was read."""
        return self._position

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Go forward by reading."""
        if offset < self._position:
            raise Malformed("The tar has an entry of an impossible size.")
        while self._position < offset and self.read(min(_CHUNK_BYTES, offset - self._position)):
            pass
        return self._position

    def finish(self) -> None:
        """Require that the entries ended with an empty block, and check the rest's checksum."""
        if self._last_block.strip(b"\0"):
            raise Malformed("The tar is damaged or cut short; send it again.")
        self._end = sys.maxsize
        while self.read(_CHUNK_BYTES):
            pass

    def content(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes."""
        self.allow(self._position + size)
        while size > 0:
            chunk = self.read(min(_CHUNK_BYTES, size))
            if not chunk:
                raise Malformed("The tar is cut short; send it again.")
            size -= len(chunk)
            yield chunk


def _members(tar: tarfile.TarFile, reader: _Reader) -> Iterator[tarfile.TarInfo]:
    while True:
        reader.allow(max(tar.offset, reader.tell()) + _HEADER_BYTES)
        member = tar.next()
        if member is None:
            return
        yield member
        # It would keep every header to the end.
        cast(Any, tar).members.clear()
        cast(Any, tar).pax_headers.clear()


def _unpack(member: tarfile.TarInfo, reader: _Reader, tree: NewTree) -> None:
    if member.isdir():
        tree.folder(member.name)
    elif member.issym():
        tree.link(member.name, member.linkname)
    elif member.islnk():
        tree.hard_link(member.name, member.linkname)
    elif member.isreg() and not member.issparse() and member.size >= 0:
        tree.allowance.check_file(member.name, member.size)
        content = reader.content(member.size)
        tree.file(member.name, content, executable=bool(member.mode & 0o100))
    else:
        raise Malformed(
            f"{member.name!r} in the archive is a device, a FIFO or a sparse file; leave it out."
        )


@contextmanager
def _opened(file: IO[bytes]) -> Generator[_Stream]:
    """Undo the compression that the first bytes tell."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file, mode="rb") as stream:
            yield stream
    elif magic.startswith(b"BZh"):
        with bz2.BZ2File(file, "rb") as stream:
            yield stream
    elif magic == b"\xfd7zXZ\0":
        yield _XzReader(file)
    else:
        yield file


class _XzReader(BufferedIOBase):
    """An xz stream; unlike `lzma.LZMAFile` it can bound the memory that the stream asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = _xz()

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes, fewer only at the end."""
        parts: list[bytes] = []
        left = size or 0
        while left > 0 and (part := self._some(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        while not self._decompressor.eof:
            packed = self._file.read(_CHUNK_BYTES) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not packed:
                raise EOFError("it ends in the middle")
            if part := self._decompressor.decompress(packed, most):
                return part
        if self._decompressor.unused_data or self._file.read(1):
            raise lzma.LZMAError("something follows its end")
        return b""


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_BYTES)

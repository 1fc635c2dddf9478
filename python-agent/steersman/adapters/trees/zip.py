"""Read a zip that may have been made to do harm."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from steersman.adapters.trees.allowance import MEGABYTE
from steersman.adapters.trees.new_tree import NewTree
from steersman.core.errors import Malformed, TooLarge

_CHUNK_BYTES = 256 * 1024
_DIRECTORY_BYTES = 8 * MEGABYTE
_LOCAL_HEADER_BYTES = 30
_LINK_BYTES = 4096
_ENCRYPTED = 0x1
# Unpacking bzip2 or LZMA inside of a zip cannot be bounded with the standard library.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)


def unpack_zip(path: Path, tree: NewTree) -> None:
    """Write all entries of a zip into a tree."""
    try:
        with _CautiousFile(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _require_apart(entries, archive.start_dir)
            for entry in entries:
                _unpack(archive, entry, tree)
    except _BROKEN as error:
        raise Malformed(f"The zip is damaged or cut short: {error}.") from error


class _CautiousFile(io.FileIO):
    """A file that gives no more at once than a directory of a zip may be long."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes."""
        if size is None or size > _DIRECTORY_BYTES:
            raise TooLarge("The zip has too many entries; send fewer files.")
        return super().read(size) or b""


def _require_apart(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse entries that share bytes: a few megabytes of them can unpack to petabytes."""
    in_order = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [*(entry.header_offset for entry in in_order[1:]), directory]
    for entry, end in zip(in_order, ends, strict=False):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            raise Malformed("The zip has entries that overlap; make it anew.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, tree: NewTree) -> None:
    _require_readable(entry)
    mode = entry.external_attr >> 16
    if entry.is_dir():
        tree.folder(entry.filename)
    elif stat.S_ISLNK(mode):
        target = b"".join(_content(archive, entry, tree))
        tree.link(entry.filename, target.decode(errors="surrogateescape"))
    elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
        tree.allowance.check_file(entry.filename, entry.file_size)
        content = _content(archive, entry, tree)
        tree.file(entry.filename, content, executable=bool(mode & stat.S_IXUSR))
    else:
        raise Malformed(f"{entry.filename!r} in the archive is no file; leave it out.")


def _require_readable(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if entry.flag_bits & _ENCRYPTED:
        raise Malformed(f"{name!r} in the zip is encrypted; make it without a password.")
    if entry.compress_type not in _METHODS:
        raise Malformed(f"{name!r} in the zip is compressed in an unusual way; use deflate.")
    if "\\" in name:
        raise Malformed(f"{name!r} in the zip has a backslash; separate folders by `/`.")
    if stat.S_ISLNK(entry.external_attr >> 16) and entry.file_size > _LINK_BYTES:
        raise Malformed(f"{name!r} in the zip is too long for a link.")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, tree: NewTree) -> Iterator[bytes]:
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK_BYTES):
            tree.allowance.take_bytes(len(chunk))
            yield chunk

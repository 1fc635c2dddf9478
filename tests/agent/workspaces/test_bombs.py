"""Archives that are small and would become large: ended early, whatever their headers say."""

import bz2
import gzip
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.adapters.trees.allowance import MEGABYTE, Limits
from steersman.adapters.trees.unpack import unpack
from steersman.core.errors import Malformed, TooLarge
from tests.agent.workspaces.archives import (
    file,
    folder,
    hard_link,
    member,
    overlapping_zip,
    raw_header,
    tar,
    unpacked,
    zipped,
)

pytestmark = pytest.mark.slow  # unpacks what becomes large

SMALL = Limits(entries=10, file_bytes=3_000, total_bytes=20_000, ratio=200, free_bytes=20_000)
DENSE = Limits(free_bytes=4 * MEGABYTE)
ZEROS = bytes(20 * MEGABYTE)


def peak_of(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(tar(*(file(f"{n}") for n in range(11))), id="files"),
        pytest.param(tar(*(folder(f"{n}") for n in range(11))), id="folders"),
        pytest.param(tar(file("/".join("abcdefghijk"))), id="folders-on-the-way"),
        pytest.param(tar(file("a", bytes(3_001))), id="one-file"),
        pytest.param(tar(*(file(f"{n}", bytes(3_000)) for n in range(8))), id="all"),
        pytest.param(
            tar(file("a", bytes(3_000)), *(hard_link(f"{n}", "a") for n in range(8))),
            id="hard-links",
        ),
        pytest.param(zipped(*((f"{n}", b"") for n in range(11))), id="zip-files"),
        pytest.param(zipped(("a", bytes(3_001))), id="zip-one-file"),
        pytest.param(zipped(*((f"{n}", bytes(2_900)) for n in range(8))), id="zip-all"),
    ],
)
def test_each_limit_ends_the_unpacking(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(TooLarge):
        unpacked(raw, tmp_path, SMALL)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_ratio_that_no_code_has_is_a_bomb_and_costs_little_memory(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    bomb = compress(tar(file("zeros", ZEROS)))

    def explode() -> None:
        with pytest.raises(TooLarge, match="times its size"):
            unpacked(bomb, tmp_path, DENSE)

    assert peak_of(explode) < 12 * MEGABYTE


def test_a_zip_bomb_is_ended_by_what_comes_out_of_it(tmp_path: Path) -> None:
    bomb = bytearray(zipped(("zeros", ZEROS)))
    # It says that it holds one byte; what it holds is what counts.
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = bomb.index(signature) + offset
        bomb[at : at + 4] = struct.pack("<L", 1)
    with pytest.raises((TooLarge, Malformed)):
        unpacked(bytes(bomb), tmp_path, DENSE)
    assert sum(path.stat().st_size for path in (tmp_path / "root").iterdir()) <= 4 * MEGABYTE


@pytest.mark.parametrize("entries", [2, 500])
def test_entries_of_a_zip_that_share_bytes_refuse_it(tmp_path: Path, entries: int) -> None:
    with pytest.raises(Malformed, match="overlap"):
        unpacked(overlapping_zip(entries), tmp_path)


def test_an_entry_that_quotes_the_next_one_refuses_the_zip(tmp_path: Path) -> None:
    raw = bytearray(zipped(("a", b"first"), ("b", b"second")))
    first = raw.index(b"PK\x01\x02")
    compressed = struct.unpack_from("<L", raw, first + 20)[0]
    struct.pack_into("<L", raw, first + 20, compressed + 40)
    with pytest.raises(Malformed, match="overlap"):
        unpacked(bytes(raw), tmp_path)


def test_a_giant_directory_of_a_zip_is_not_read(tmp_path: Path) -> None:
    one = zipped(("", b""))
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    directory = one[start:end] * (10 * MEGABYTE // (end - start))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, len(directory), start, 0)
    raw = one[:start] + directory + tail

    def explode() -> None:
        with pytest.raises(TooLarge, match="entries"):
            unpacked(raw, tmp_path)

    assert peak_of(explode) < 10 * MEGABYTE


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_giant_header_is_not_read(tmp_path: Path, kind: bytes) -> None:
    header = member("header", kind)
    header.size = 8 * MEGABYTE
    raw = gzip.compress(raw_header(header) + bytes(header.size))

    def explode() -> None:
        with pytest.raises(Malformed, match="header"):
            unpacked(raw, tmp_path)

    assert peak_of(explode) < 5 * MEGABYTE


def test_headers_on_headers_end(tmp_path: Path) -> None:
    header = member("header", tarfile.XHDTYPE)
    header.size = 13
    raw = (raw_header(header) + b"13 comment=x\n".ljust(512, b"\0")) * 3_000
    with pytest.raises(Malformed):
        unpacked(raw, tmp_path)


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="sparse"):
        unpacked(raw_header(member("s", tarfile.GNUTYPE_SPARSE)) + bytes(1024), tmp_path)


def test_an_xz_that_asks_for_much_memory_does_not_get_it(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 128 * MEGABYTE}]
    raw = lzma.compress(tar(file("a")), filters=filters)
    with pytest.raises(Malformed, match="Memory"):
        unpacked(raw, tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_with_methods_that_cannot_be_bounded_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "made"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a", b"x" * 1000)
    with pytest.raises(Malformed, match="deflate"):
        unpacked(path.read_bytes(), tmp_path)


def test_unpacking_ends_when_it_is_no_longer_wanted(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    asked: list[None] = []

    def keep_on() -> None:
        asked.append(None)
        if len(asked) > 5:
            raise Enough

    archive, root = tmp_path / "archive", tmp_path / "root"
    archive.write_bytes(tar(*(file(f"{n}") for n in range(100))))
    root.mkdir()
    with pytest.raises(Enough):
        unpack(archive, root, keep_on)
    assert len(list(root.iterdir())) < 6

"""Zips as they come in."""

import stat
import struct
import zlib
from pathlib import Path

import pytest

from steersman.adapters.trees.unpack import Unpacked
from steersman.core.errors import Malformed
from tests.agent.workspaces.archives import tree, unpacked, zipped

FIRST_CONTENT = zlib.compress(b"some content", wbits=-15)
LINK = stat.S_IFLNK | 0o777


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    raw = zipped(("shop/", b""), ("shop/cart.py", b"total = 1\n"), ("run", b"#!"), mode=0o100755)
    assert unpacked(raw, tmp_path) == Unpacked(2, 12)
    root = tmp_path / "root"
    assert tree(root) == {"shop/cart.py": b"total = 1\n", "run": b"#!"}
    assert (root / "run").stat().st_mode & 0o100


def test_an_empty_zip_is_an_empty_workspace(tmp_path: Path) -> None:
    assert unpacked(zipped(), tmp_path) == Unpacked(0, 0)


def test_a_link_in_a_zip_is_kept_if_it_stays_inside(tmp_path: Path) -> None:
    unpacked(zipped(("a/l", b"../b"), mode=LINK), tmp_path)
    assert tree(tmp_path / "root") == {"a/l": "-> ../b"}


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        ("/etc/passwd", b"x", 0o100644),
        ("../up", b"x", 0o100644),
        ("a/../../up", b"x", 0o100644),
        ("a\\..\\..\\up", b"x", 0o100644),
        ("l", b"/etc/passwd", LINK),
        ("a/l", b"../../up", LINK),
        ("l", b"x" * 5000, LINK),
        ("f", b"", stat.S_IFIFO | 0o644),
        ("d", b"", stat.S_IFCHR | 0o644),
    ],
)
def test_what_could_lead_out_or_is_no_file_refuses_the_zip(
    tmp_path: Path, name: str, content: bytes, mode: int
) -> None:
    with pytest.raises(Malformed):
        unpacked(zipped((name, content), mode=mode), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "root"}


def test_an_encrypted_zip_says_that_it_is(tmp_path: Path) -> None:
    raw = bytearray(zipped(("a", b"x")))
    struct.pack_into("<H", raw, raw.index(b"PK\x01\x02") + 8, 1)
    with pytest.raises(Malformed, match="password"):
        unpacked(bytes(raw), tmp_path)


@pytest.mark.parametrize("part", [b"PK\x03\x04", b"PK\x01\x02", FIRST_CONTENT])
def test_a_damaged_zip_is_refused(tmp_path: Path, part: bytes) -> None:
    raw = bytearray(zipped(("a", b"some content"), ("b", b"more of it")))
    raw[raw.index(part) + 1] ^= 0xFF
    with pytest.raises(Malformed):
        unpacked(bytes(raw), tmp_path)


def test_a_zip_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        unpacked(zipped(("a", b"x" * 1000))[:-30], tmp_path)

"""Tars as they come in: what is kept, and what refuses the whole archive."""

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.adapters.trees.unpack import Unpacked
from steersman.core.errors import Malformed
from tests.agent.workspaces.archives import (
    file,
    folder,
    hard_link,
    link,
    member,
    raw_header,
    tar,
    tree,
    unpacked,
)

ORDINARY = tar(folder("shop"), file("shop/cart.py", b"total = 1\n"), file("run", b"#!", 0o755))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_is_unpacked_however_it_is_compressed(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    assert unpacked(compress(ORDINARY), tmp_path) == Unpacked(2, 12)
    root = tmp_path / "root"
    assert tree(root) == {"shop/cart.py": b"total = 1\n", "run": b"#!"}
    runnable = [(root / name).stat().st_mode & 0o100 for name in ("run", "shop/cart.py")]
    assert runnable == [0o100, 0]


def test_the_only_folder_at_the_top_is_kept(tmp_path: Path) -> None:
    unpacked(tar(file("shop-1.0/cart.py")), tmp_path)
    assert tree(tmp_path / "root") == {"shop-1.0/cart.py": b"x"}


def test_names_may_be_any_that_a_disk_can_hold(tmp_path: Path) -> None:
    names = ["a\nb", "caf\udce9", "-rf", "é", "x" * 255, ". ", "C:\\x", "aux", "A", "a"]
    unpacked(tar(*(file(name) for name in names)), tmp_path)
    assert set(tree(tmp_path / "root")) == set(names)


def test_dangerous_permissions_are_dropped(tmp_path: Path) -> None:
    unpacked(tar(file("a", mode=0o6777), file("b", mode=0o000), file("c", mode=0o1755)), tmp_path)
    modes = [(tmp_path / "root" / name).stat().st_mode & 0o7022 for name in "abc"]
    assert modes == [0, 0, 0]


@pytest.mark.parametrize(
    "target", ["cart.py", "./cart.py", "../shop/cart.py", "../README", "nothing", "sub"]
)
def test_links_that_stay_inside_are_kept(tmp_path: Path, target: str) -> None:
    unpacked(tar(link("shop/latest", target), file("shop/cart.py"), file("README")), tmp_path)
    # Not by pathlib, which would tidy it up.
    assert os.readlink(tmp_path / "root/shop/latest") == target  # noqa: PTH115


def test_a_hard_link_is_a_second_name_and_counts_again(tmp_path: Path) -> None:
    found = unpacked(tar(file("a", b"12"), hard_link("b/c", "a")), tmp_path)
    assert (found, tree(tmp_path / "root")) == (Unpacked(2, 4), {"a": b"12", "b/c": b"12"})


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([file("/etc/passwd")], id="absolute"),
        pytest.param([file("../up")], id="parent"),
        pytest.param([file("a/../../up")], id="parent-inside"),
        pytest.param([folder("../up")], id="parent-folder"),
        pytest.param([file(".")], id="root-as-file"),
        pytest.param([file("/".join("a" * 41))], id="too-deep"),
        pytest.param([file("y" * 256)], id="too-long"),
        pytest.param([link("l", "/etc/passwd")], id="absolute-link"),
        pytest.param([link("l", "../up")], id="link-to-parent"),
        pytest.param([link("a/l", "../../up")], id="link-two-up"),
        pytest.param([link("d", "."), link("e", "d/../up")], id="parent-behind-a-link"),
        pytest.param([link("l", "")], id="empty-link"),
        pytest.param([link("../l", "a")], id="link-outside"),
        pytest.param([link("d", "sub"), file("d/x")], id="file-below-a-link"),
        pytest.param([file("d/x"), link("d", "sub")], id="link-over-a-folder"),
        pytest.param([file("f"), link("f", "g")], id="link-over-a-file"),
        pytest.param([link("l", "g"), link("l", "h")], id="link-twice"),
        pytest.param([hard_link("h", "/etc/passwd")], id="absolute-hard-link"),
        pytest.param([hard_link("h", "../up")], id="hard-link-to-parent"),
        pytest.param([link("l", "a"), hard_link("h", "l")], id="hard-link-to-a-link"),
        pytest.param([folder("d"), hard_link("h", "d")], id="hard-link-to-a-folder"),
        pytest.param([hard_link("h", "later"), file("later")], id="hard-link-before-its-file"),
        pytest.param([file("a"), file("a")], id="twice"),
        pytest.param([file("a"), file("./a")], id="twice-by-another-name"),
        pytest.param([file("a"), file("a/b")], id="below-a-file"),
        pytest.param([file("a/b"), file("a")], id="file-over-a-folder"),
        pytest.param([file("a"), folder("a")], id="folder-over-a-file"),
        pytest.param([(member("f", tarfile.FIFOTYPE), b"")], id="fifo"),
        pytest.param([(member("c", tarfile.CHRTYPE), b"")], id="device"),
        pytest.param([(member("b", tarfile.BLKTYPE), b"")], id="disk"),
        pytest.param([(member("u", b"?"), b"")], id="unknown"),
    ],
)
def test_what_could_lead_out_or_is_no_file_refuses_the_archive(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    (tmp_path / "up").write_text("theirs")
    with pytest.raises(Malformed, match="archive"):
        unpacked(tar(*members), tmp_path)
    assert (tmp_path / "up").read_text() == "theirs"
    outside = {path.name for path in tmp_path.iterdir()} - {"archive", "root", "up"}
    assert outside == set()


def negative_size() -> bytes:
    header = bytearray(raw_header(member("a")))
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello, world\n" * 100, id="text"),
        pytest.param(ORDINARY[:1400], id="cut-in-a-file"),
        pytest.param(ORDINARY[:1536] + b"\1" * 512 + ORDINARY[2048:], id="broken-header"),
        pytest.param(gzip.compress(ORDINARY)[:-20], id="cut-gzip"),
        pytest.param(bz2.compress(ORDINARY)[:-20], id="cut-bzip2"),
        pytest.param(lzma.compress(ORDINARY)[:-20], id="cut-xz"),
        pytest.param(b"\x1f\x8b" + b"garbage" * 100, id="no-gzip"),
        pytest.param(b"BZh9" + b"garbage" * 100, id="no-bzip2"),
        pytest.param(b"\xfd7zXZ\0" + b"garbage" * 100, id="no-xz"),
        pytest.param(negative_size(), id="negative-size"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(Malformed):
        unpacked(raw, tmp_path)

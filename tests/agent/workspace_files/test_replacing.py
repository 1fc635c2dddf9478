"""A file is replaced whole or not at all, and stays what it was otherwise."""

import os
from pathlib import Path

import pytest

from steersman.adapters.workspace import MAX_FILE_BYTES, DirectoryFiles
from steersman.core.tool import ToolFailure
from tests.agent.workspace_files.conftest import digest, names
from tests.agent.workspace_files.dying import (
    AFTER_RENAME,
    BEFORE_FLUSH,
    BEFORE_RENAME,
    BEFORE_WRITE,
    die_while_replacing,
)

CART = digest(b"total = 1\n")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def refused(files: DirectoryFiles, path: str, content: bytes, expected: str | None) -> str:
    with pytest.raises(ToolFailure) as caught:
        files.replace(path, content, expected=expected)
    return caught.value.code


@pytest.mark.parametrize(
    ("moment", "left", "content"),
    [
        (BEFORE_WRITE, 0, b"total = 1\n"),
        (BEFORE_FLUSH, 1, b"total = 1\n"),
        (BEFORE_RENAME, 1, b"total = 1\n"),
        (AFTER_RENAME, 0, b"total = 2\n"),
    ],
)
@pytest.mark.slow  # a process for each
def test_a_crash_leaves_the_old_content_or_the_new(
    files: DirectoryFiles, root: Path, moment: str, left: int, content: bytes
) -> None:
    die_while_replacing(root, moment)
    assert (root / "shop" / "cart.py").read_bytes() == content
    assert len(list((root / "shop").iterdir())) == 1 + left
    assert [entry.path for entry in files.list(".", None, 9)[0]] == ["shop/cart.py"]
    files.replace("shop/other.py", b"", expected=None)
    assert names(root / "shop") == ["cart.py", "other.py"]


@pytest.mark.parametrize("expected", [None, digest(b"something else")])
def test_another_content_than_expected_is_a_conflict(
    files: DirectoryFiles, root: Path, expected: str | None
) -> None:
    assert refused(files, "shop/cart.py", b"mine", expected) == "conflict"
    assert (root / "shop" / "cart.py").read_bytes() == b"total = 1\n"
    assert names(root / "shop") == ["cart.py"]


def test_a_file_that_has_gone_is_a_conflict(files: DirectoryFiles, root: Path) -> None:
    (root / "shop" / "cart.py").unlink()
    assert refused(files, "shop/cart.py", b"mine", CART) == "conflict"
    assert names(root / "shop") == []


def test_permissions_stay(files: DirectoryFiles, root: Path) -> None:
    cart = root / "shop" / "cart.py"
    cart.chmod(0o4775)
    files.replace("shop/cart.py", b"new", expected=CART)
    assert mode(cart) == 0o775
    files.replace("new.py", b"new", expected=None)
    assert mode(root / "new.py") & 0o111 == 0


def test_a_read_only_file_is_left_alone(files: DirectoryFiles, root: Path) -> None:
    (root / "shop" / "cart.py").chmod(0o444)
    assert refused(files, "shop/cart.py", b"mine", CART) == "not_permitted"
    assert (root / "shop" / "cart.py").read_bytes() == b"total = 1\n"


def test_another_name_of_the_same_file_keeps_its_content(files: DirectoryFiles, root: Path) -> None:
    outside = root.parent / "outside" / "linked.py"
    os.link(root / "shop" / "cart.py", outside)
    files.replace("shop/cart.py", b"new", expected=CART)
    assert outside.read_bytes() == b"total = 1\n"


def test_missing_folders_are_made(files: DirectoryFiles, root: Path) -> None:
    files.replace("a/b/c.py", b"", expected=None)
    assert (root / "a" / "b" / "c.py").read_bytes() == b""


@pytest.mark.parametrize(
    "path", [".git/hooks/post-checkout", ".git", ".GIT/config", "vendor/lib/.git/config"]
)
def test_version_control_is_not_written(files: DirectoryFiles, root: Path, path: str) -> None:
    assert refused(files, path, b"#!/bin/sh", None) == "outside_workspace"
    assert names(root) == ["shop"]


def test_names_that_only_look_like_version_control_are_written(files: DirectoryFiles) -> None:
    paths = [".github/ci.yml", ".gitignore", "src/.gitkeep"]
    for path in paths:
        files.replace(path, path.encode(), expected=None)
    assert [files.read(path).decode() for path in paths] == paths


def test_content_has_a_limit(files: DirectoryFiles, root: Path) -> None:
    assert refused(files, "large", b"x" * (MAX_FILE_BYTES + 1), None) == "too_large"
    files.replace("largest", b"x" * MAX_FILE_BYTES, expected=None)
    assert (root / "largest").stat().st_size == MAX_FILE_BYTES


def test_a_long_name_leaves_room_for_what_is_written_beside_it(
    files: DirectoryFiles, root: Path
) -> None:
    name = "\u6587" * 85  # 255 bytes
    files.replace(name, b"x", expected=None)
    assert (root / name).read_bytes() == b"x"

"""Which files are listed, in which order, and what a pattern means."""

import os
import time
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles
from steersman.adapters.workspace.patterns import matches


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def listed(files: DirectoryFiles, path: str = ".", pattern: str | None = None) -> list[str]:
    return [entry.path for entry in files.list(path, pattern, 1_000)[0]]


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("*.py", "a.py", True),
        ("*.py", "deep/below/a.py", True),
        ("*.py", "a.pyc", False),
        ("*", ".hidden", True),
        ("*.py", "A.PY", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/*.py", "other/src/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/deep/below/a.py", True),
        ("**/*.py", "a.py", True),
        ("**/test/**", "a/test/b/c", True),
        ("**/test/**", "a/tests/b", False),
        ("src/**", "src/deep/a.py", True),
        ("src/", "src/deep/a.py", True),
        ("src/**", "srcs/a.py", False),
        ("./src/?.py", "src/a.py", True),
        ("/src/[!a].py", "src/a.py", False),
        ("[", "[", True),
        ("**/**/a", "a", True),
        ("a/**/b", "a", False),
    ],
)
def test_a_pattern_matches_a_name_or_a_path(pattern: str, path: str, is_match: bool) -> None:
    assert matches(path, pattern) is is_match


def test_no_pattern_takes_long() -> None:
    begun = time.perf_counter()
    assert not matches("a" * 255, "*a" * 100 + "b")
    assert not matches("/".join("a" * 40), "**/a/" * 50 + "b")
    assert time.perf_counter() - begun < 1.0


def test_files_are_listed_in_the_order_of_their_paths(files: DirectoryFiles, root: Path) -> None:
    make(root, "shop/z/deep.py", "shop.py", "shop-2/a.py", "a/b.py", "a.py", ".github/ci.yml")
    paths = listed(files)
    assert paths == sorted(paths)
    assert len(paths) == 7


def test_caches_version_control_and_what_is_no_file_are_left_out(
    files: DirectoryFiles, root: Path
) -> None:
    make(root, ".git/config", "shop/__pycache__/cart.pyc", "node_modules/x/index.js", ".env")
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("shop")
    (root / "file-link").symlink_to(root.parent / "outside" / "secret.txt")
    assert listed(files) == [".env", "shop/cart.py"]
    assert listed(files, "node_modules") == ["node_modules/x/index.js"]


def test_a_pattern_may_begin_at_the_folder_or_at_the_workspace(
    files: DirectoryFiles, root: Path
) -> None:
    make(root, "shop/api/routes.py", "api/other.py")
    expected = ["shop/api/routes.py"]
    assert listed(files, "shop", "api/*.py") == expected
    assert listed(files, "shop", "shop/api/*.py") == expected


def test_a_file_lists_itself(files: DirectoryFiles) -> None:
    assert [(e.path, e.size_bytes) for e in files.list("./shop//cart.py", None, 9)[0]] == [
        ("shop/cart.py", 10)
    ]


def test_a_listing_says_when_there_is_more(files: DirectoryFiles, root: Path) -> None:
    make(root, "a", "b")
    cut, whole = files.list(".", None, 2), files.list(".", None, 3)
    assert [(len(found), more) for found, more in (cut, whole)] == [(2, True), (3, False)]


def test_what_is_too_deep_to_be_read_is_not_listed(files: DirectoryFiles, root: Path) -> None:
    deepest = "/".join(["d"] * 39 + ["file"])
    make(root, deepest, "/".join(["d"] * 40 + ["file"]))
    assert listed(files, "d") == [deepest]
    assert files.read(deepest) == b"x"


def test_names_that_are_no_utf8_are_listed_and_read(files: DirectoryFiles, root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    assert files.read(listed(files)[0]) == b"x"

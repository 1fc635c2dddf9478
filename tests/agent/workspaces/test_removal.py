"""Trees are removed, whatever is in them, and nothing else is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.adapters.trees.incoming import incoming_tree
from steersman.adapters.trees.removal import remove_tree

DEEP = 3_000


def nest(folder: Path, levels: int = DEEP) -> None:
    """Make folders in folders, past what a path can name."""
    current = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=current)
        following = os.open("a", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = following
    os.close(os.open("file", os.O_CREAT, dir_fd=current))
    os.close(current)


def unreadable(folder: Path) -> None:
    (folder / "shut" / "below").mkdir(parents=True)
    (folder / "shut" / "file").touch()
    (folder / "shut" / "below").chmod(0)
    (folder / "shut").chmod(0o500)


def wide(folder: Path) -> None:
    for number in range(300):
        (folder / f"{number}" / "x").mkdir(parents=True)
        (folder / f"{number}" / "file").touch()


@pytest.mark.parametrize("make", [pytest.param(nest, marks=pytest.mark.slow), unreadable, wide])
def test_a_tree_is_gone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make(root)
    remove_tree(root)
    assert list(tmp_path.iterdir()) == []


def test_what_links_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    for link in (root / "link", root / "folder" / "link"):
        link.symlink_to(tmp_path / "outside")
    remove_tree(root)
    assert [path.name for path in tmp_path.rglob("*")] == ["outside", "file"]


def test_a_link_in_the_place_of_a_tree_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside" / "folder").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "outside")
    remove_tree(tmp_path / "root")
    assert (tmp_path / "outside" / "folder").is_dir()


def test_what_is_not_there_is_removed(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # trees of thousands
def test_a_deep_old_tree_leaves_nothing_and_keeps_no_put_waiting(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    with incoming_tree(incoming) as tree:
        nest(tree)
    with incoming_tree(incoming):
        assert len(list(incoming.iterdir())) == 1
    assert list(incoming.iterdir()) == []


@pytest.mark.slow  # trees of thousands
def test_what_a_killed_put_left_is_swept_however_deep_it_is(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    (incoming / "left" / "tree").mkdir(parents=True)
    nest(incoming / "left" / "tree")
    with incoming_tree(incoming):
        assert not (incoming / "left").exists()

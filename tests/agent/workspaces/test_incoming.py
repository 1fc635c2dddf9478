"""A new tree takes the place of the old one whole, or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from steersman.adapters.trees.incoming import incoming_tree, put_in_place
from tests.agent.workspaces.archives import tree

KILLED = """
import os, pathlib, sys
from steersman.adapters.trees.incoming import incoming_tree
with incoming_tree(pathlib.Path(sys.argv[1])) as tree:
    (tree / "half").write_text("x")
    os.kill(os.getpid(), 9)
"""


class Broken(Exception):
    pass


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "me" / "shop"
    target.mkdir(parents=True)
    (target / "old").write_text("old")
    return target


def put(incoming: Path, target: Path, content: str) -> None:
    with incoming_tree(incoming) as new:
        (new / "new").write_text(content)
        put_in_place(new, target)


def test_the_new_tree_replaces_the_old_one_and_leaves_nothing(tmp_path: Path, target: Path) -> None:
    put(tmp_path / "incoming", target, "1")
    put(tmp_path / "incoming", target, "2")
    assert (tree(target), list((tmp_path / "incoming").iterdir())) == ({"new": b"2"}, [])


def test_a_first_tree_needs_no_old_one(tmp_path: Path) -> None:
    put(tmp_path / "incoming", tmp_path / "new-owner" / "shop", "1")
    assert tree(tmp_path / "new-owner" / "shop") == {"new": b"1"}


def test_a_put_that_fails_leaves_the_old_tree(tmp_path: Path, target: Path) -> None:
    def fail() -> None:
        with incoming_tree(tmp_path / "incoming") as new:
            (new / "half").write_text("x")
            raise Broken

    with pytest.raises(Broken):
        fail()
    assert (tree(target), list((tmp_path / "incoming").iterdir())) == ({"old": b"old"}, [])


def test_what_a_killed_put_left_is_removed_by_the_next(tmp_path: Path, target: Path) -> None:
    incoming = tmp_path / "incoming"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(incoming)], check=False)
    assert (ended.returncode, len(list(incoming.iterdir())), tree(target)) == (
        -9,
        1,
        {"old": b"old"},
    )
    put(incoming, target, "1")
    assert (tree(target), list(incoming.iterdir())) == ({"new": b"1"}, [])


def test_puts_at_the_same_time_leave_each_other_alone(tmp_path: Path, target: Path) -> None:
    with incoming_tree(tmp_path / "incoming") as first:
        (first / "new").write_text("first")
        put(tmp_path / "incoming", target, "second")
        assert tree(first) == {"new": b"first"}
        put_in_place(first, target)
    assert tree(target) == {"new": b"first"}


def test_an_old_tree_that_was_made_unreadable_is_removed(tmp_path: Path, target: Path) -> None:
    (target / "folder" / "below").mkdir(parents=True)
    (target / "folder").chmod(0o000)
    put(tmp_path / "incoming", target, "1")
    assert list((tmp_path / "incoming").iterdir()) == []


def test_who_reads_the_old_tree_reads_it_to_its_end(tmp_path: Path, target: Path) -> None:
    with (target / "old").open() as reader:
        put(tmp_path / "incoming", target, "1")
        assert reader.read() == "old"

"""What has changed since a task's start."""

import os
from pathlib import Path

import pytest

from steersman.core.errors import NotFound
from steersman.core.ids import TaskId
from tests.agent.workspaces.watched import LARGE, TASK, Workspace, git

pytestmark = pytest.mark.slow  # real processes of git


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_changed_new_removed_and_renamed_files_are_in_the_diff(workspace: Workspace) -> None:
    workspace.write({"cart.py": b"total = 1\n", "gone.py": b"x\n", "old.py": b"1\n2\n3\n4\n5\n"})
    workspace.begin()
    workspace.write({"cart.py": b"total = 2\n", "new/file.py": b"new\n"})
    (workspace.root / "gone.py").unlink()
    (workspace.root / "old.py").rename(workspace.root / "name.py")
    diff = workspace.diff()
    assert workspace.changed() == [
        "diff --git a/cart.py b/cart.py",
        "diff --git a/gone.py b/gone.py",
        "diff --git a/old.py b/name.py",
        "diff --git a/new/file.py b/new/file.py",
    ]
    assert "-total = 1\n+total = 2\n" in diff
    assert "rename from old.py\nrename to name.py\n" in diff
    assert "new file mode 100644" in diff
    assert "deleted file mode 100644" in diff


def test_a_diff_applies_to_the_start(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write({"cart.py": b"total = 1\n", "big": LARGE})
    workspace.begin()
    workspace.write({"cart.py": b"total = 2\n", "caf\u00e9 \n.py": b"new"})
    (tmp_path / "patch").write_text(workspace.diff())
    start = tmp_path / "start"
    start.mkdir()
    (start / "cart.py").write_bytes(b"total = 1\n")
    git("apply", str(tmp_path / "patch"), at=start)
    assert {path.name: path.read_bytes() for path in start.iterdir()} == {
        "cart.py": b"total = 2\n",
        "caf\u00e9 \n.py": b"new",
    }


def test_nothing_changed_is_an_empty_diff(workspace: Workspace) -> None:
    workspace.write({"cart.py": b"total = 1\n"})
    workspace.begin()
    (workspace.root / "cart.py").touch()
    assert workspace.diff() == ""


def test_a_workspace_that_is_empty_at_the_start_has_one(workspace: Workspace) -> None:
    workspace.begin()
    workspace.write({"a": b"a\n"})
    assert workspace.changed() == ["diff --git a/a b/a"]


def test_each_task_has_a_start_of_its_own(workspace: Workspace) -> None:
    second = TaskId("019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f02")
    workspace.write({"a": b"1\n"})
    workspace.begin()
    workspace.write({"a": b"2\n"})
    workspace.begin(second)
    workspace.write({"a": b"3\n"})
    assert ("-1\n+3" in workspace.diff(), "-2\n+3" in workspace.diff(second)) == (True, True)
    assert workspace.history.has_start(second)


def test_a_task_without_a_start_has_no_diff(workspace: Workspace) -> None:
    assert not workspace.history.has_start(TASK)
    with pytest.raises(NotFound, match="start"):
        workspace.diff()


def test_a_diff_leaves_nothing_in_the_history(workspace: Workspace) -> None:
    workspace.begin()
    before = sorted((workspace.root.parent / "history.git").rglob("*"))
    workspace.write({"a": b"a"})
    workspace.diff()
    assert sorted((workspace.root.parent / "history.git").rglob("*")) == before


def test_binary_files_are_named_and_permissions_and_links_are_seen(workspace: Workspace) -> None:
    workspace.write({"logo.png": b"\0\1", "run.sh": b"#!/bin/sh\n"})
    (workspace.root / "link").symlink_to("one")
    workspace.begin()
    workspace.write({"logo.png": b"\0\2"})
    (workspace.root / "run.sh").chmod(0o755)
    (workspace.root / "link").unlink()
    (workspace.root / "link").symlink_to("/etc/passwd")
    diff = workspace.diff()
    assert "Binary files a/logo.png and b/logo.png differ" in diff
    assert "old mode 100644\nnew mode 100755" in diff
    assert ("+/etc/passwd" in diff, "root:" in diff) == (True, False)


def test_names_may_be_any(workspace: Workspace) -> None:
    names = ["a\nb", "caf\udce9", '"quoted"', "-rf", "back\\slash", "git~1", ".git2", "a b"]
    workspace.begin()
    workspace.write(dict.fromkeys(names, b"x\n"))
    assert len(workspace.changed()) == len(names)


def test_what_is_no_file_is_passed_by(workspace: Workspace) -> None:
    os.mkfifo(workspace.root / "fifo")
    workspace.begin()
    os.mkfifo(workspace.root / "another")
    assert workspace.diff() == ""


def test_files_that_are_too_large_then_or_now_are_named_and_not_compared(
    workspace: Workspace,
) -> None:
    workspace.write({"grows": b"1\n", "shrinks": LARGE, "stays": LARGE, "other": b"1\n"})
    workspace.begin()
    workspace.write({"grows": LARGE, "shrinks": b"1\n", "other": b"2\n", "new": LARGE})
    assert workspace.changed() == [
        '# left out (too large, too deep or not readable): "grows"',
        '# left out (too large, too deep or not readable): "new"',
        '# left out (too large, too deep or not readable): "shrinks"',
        '# left out (too large, too deep or not readable): "stays"',
        "diff --git a/other b/other",
    ]


def test_caches_are_left_out_and_gitignore_hides_nothing(workspace: Workspace) -> None:
    workspace.begin()
    workspace.write(
        {
            "node_modules/a.js": b"x",
            "src/__pycache__/a.pyc": b"x",
            ".gitignore": b"*\n",
            "secret_change.py": b"x\n",
        }
    )
    assert workspace.changed() == [
        "diff --git a/.gitignore b/.gitignore",
        "diff --git a/secret_change.py b/secret_change.py",
    ]


def test_a_lock_that_a_killed_git_left_does_not_matter(workspace: Workspace) -> None:
    lock = workspace.root.parent / f"history.git/refs/steersman/{TASK}/start.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    workspace.begin()
    assert workspace.history.has_start(TASK)


def test_many_tasks_leave_few_packs_and_every_start(workspace: Workspace) -> None:
    tasks = [TaskId(f"019a5c3e-7a10-7c3b-9f21-{number:012}") for number in range(60)]
    for number, task_id in enumerate(tasks):
        workspace.write({"a": b"%d\n" % number})
        workspace.begin(task_id)
    packs = list((workspace.root.parent / "history.git/objects/pack").glob("*.pack"))
    assert len(packs) < 20
    assert [workspace.diff(task_id) == "" for task_id in tasks] == [False] * 59 + [True]

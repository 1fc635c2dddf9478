"""What a diff cannot show it tells: nowhere in a workspace is a place to hide."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.adapters.git.versions import Unread
from steersman.app.reading import Most, read_since
from tests.agent.workspaces.watched import LARGE, TASK, Workspace, git

pytestmark = pytest.mark.slow  # real processes of git


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_many_new_files_hide_no_change_of_a_file_that_was_there(workspace: Workspace) -> None:
    workspace.write({"zoo.py": b"1\n", "gone.py": b"1\n"})
    workspace.begin()
    workspace.write({f"{number:03}": b"" for number in range(30)} | {"zoo.py": b"2\n"})
    (workspace.root / "gone.py").unlink()
    changed = workspace.changed(Most(new_files=10))
    assert changed[:2] == [
        "# incomplete: there is too much to read; some new files were not compared",
        "# incomplete: 20 new files were not read",
    ]
    assert set(changed[2:]) == {
        *(f"diff --git a/{number:03} b/{number:03}" for number in range(10)),
        "diff --git a/zoo.py b/zoo.py",
        "diff --git a/gone.py b/gone.py",
    }


def test_when_there_is_too_much_to_read_the_rest_is_named(workspace: Workspace) -> None:
    workspace.write({"a": b"1\n", "b": b"1\n"})
    workspace.begin()
    workspace.write({"a": b"2\n", "b": b"2\n", "c": b"3\n"})
    assert workspace.changed(Most(bytes=2)) == [
        '# left out (too large, too deep or not readable): "b"',
        '# left out (too large, too deep or not readable): "c"',
        "diff --git a/a b/a",
    ]


def test_when_time_is_up_nothing_looks_deleted(workspace: Workspace) -> None:
    workspace.write({"a": b"1\n"})
    workspace.begin()
    workspace.write({"a": b"2\n", "b": b"2\n"})
    assert workspace.changed(Most(time=timedelta(seconds=-1))) == [
        "# incomplete: there is too much to read; some files were not compared",
        '# left out (too large, too deep or not readable): "a"',
    ]


def test_what_was_there_is_read_first_and_what_git_may_run(workspace: Workspace) -> None:
    workspace.write({"a": b"", "b": b"", "zoo.py": b"", "sub/.git/config": b""})
    read = read_since(workspace.root, lambda: None, {"zoo.py"}, Most(new_files=1))
    assert [item if isinstance(item, Unread) else item.path for item in read] == [
        "sub/.git/config",
        "zoo.py",
        "a",
        Unread(1, cut=False),
    ]


@pytest.mark.slow  # thousands of files
def test_of_very_many_that_are_left_out_the_first_are_named(workspace: Workspace) -> None:
    workspace.begin()
    for number in range(1_005):
        os.truncate(_touched(workspace.root / f"{number:04}"), len(LARGE))
    changed = workspace.changed()
    assert len(changed) == 1_001
    assert changed[-1] == "# left out: 5 more"


def test_what_is_deeper_than_anybody_looks_is_named(workspace: Workspace) -> None:
    workspace.begin()
    current = os.open(workspace.root, os.O_RDONLY)
    for _ in range(250):
        os.mkdir("d", dir_fd=current)
        current, above = os.open("d", os.O_RDONLY, dir_fd=current), current
        os.close(above)
    os.close(os.open("evil.py", os.O_CREAT | os.O_WRONLY, dir_fd=current))
    os.close(current)
    [line] = workspace.changed()
    assert line.startswith('# left out (too large, too deep or not readable): "d/d/')
    assert line.endswith('/d/"')


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_named(workspace: Workspace) -> None:
    workspace.begin()
    workspace.write({"shut/evil.py": b"x"})
    (workspace.root / "shut").chmod(0)
    assert workspace.changed() == ['# left out (too large, too deep or not readable): "shut/"']
    (workspace.root / "shut").chmod(0o700)


def test_what_git_may_run_is_told_when_it_is_new_or_changed(workspace: Workspace) -> None:
    git("init", "-q", at=workspace.root)
    workspace.begin()
    git("commit", "-q", "--allow-empty", "-m", "x", at=workspace.root)
    assert workspace.changed() == []
    git("config", "core.fsmonitor", "evil", at=workspace.root)
    workspace.write({".git/hooks/post-commit": b"evil", ".git/commondir": b"../x"})
    workspace.write({"sub/.git/config": b"evil", "other/.git": b"gitdir: ../x"})
    workspace.write({".git/modules/a/config": b"evil", ".git/hooks/x.sample": b"not run"})
    told = "# not shown: git may run what {} says, which is new or changed"
    assert workspace.changed() == [
        told.format(f'"{path}"')
        for path in (
            ".git/commondir",
            ".git/config",
            ".git/hooks/post-commit",
            ".git/modules/a/config",
            "other/.git",
            "sub/.git/config",
        )
    ]


def test_new_files_do_not_hide_what_git_may_run(workspace: Workspace) -> None:
    workspace.begin()
    workspace.write({f"{number:03}": b"" for number in range(30)})
    workspace.write({"sub/.git/config": b"evil"})
    assert '"sub/.git/config"' in workspace.diff(TASK, Most(new_files=10))


def test_an_incomplete_diff_applies(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write({"a": b"1\n"})
    workspace.begin()
    workspace.write({f"{number:03}": b"" for number in range(30)} | {"a": b"2\n"})
    (tmp_path / "patch").write_text(workspace.diff(TASK, Most(new_files=1)))
    start = tmp_path / "start"
    start.mkdir()
    (start / "a").write_text("1\n")
    git("apply", str(tmp_path / "patch"), at=start)
    assert (start / "a").read_text() == "2\n"


def _touched(path: Path) -> Path:
    path.touch()
    return path

"""Workspaces that would steer the git that looks at them, if it looked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.workspaces.watched import Workspace, git


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_repositories_in_a_workspace_are_folders_like_others(workspace: Workspace) -> None:
    nested = workspace.root / "nested"
    nested.mkdir()
    for repository in (workspace.root, nested):
        git("init", "-q", at=repository)
        git("commit", "-q", "--allow-empty", "-m", "x", at=repository)
    workspace.begin()
    workspace.write({"nested/a.py": b"x\n", "a.py": b"x\n"})
    assert workspace.changed() == [
        "diff --git a/a.py b/a.py",
        "diff --git a/nested/a.py b/nested/a.py",
    ]


@pytest.fixture
def hostile(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace in which everything that could run something would make a file `obeyed`."""
    run = f"touch {workspace.root.parent}/obeyed; cat"
    git("init", "-q", at=workspace.root)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
    ):
        git("config", key, run, at=workspace.root)
    hooks = workspace.root / ".git/hooks"
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc", "post-commit"):
        (hooks / hook).write_text(f"#!/bin/sh\n{run}\n")
        (hooks / hook).chmod(0o755)
    config = workspace.root / ".git/config"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", run)
    monkeypatch.setenv("GIT_DIR", str(workspace.root / ".git"))
    monkeypatch.setenv("HOME", str(workspace.root))
    (workspace.root / ".gitconfig").write_bytes(config.read_bytes())
    (workspace.root / ".gitattributes").write_text("* diff=evil filter=evil -text ident\n")
    yield workspace
    assert not (workspace.root.parent / "obeyed").exists()
    git("add", "--all", at=workspace.root)
    assert (workspace.root.parent / "obeyed").exists(), "a git that obeys would have run it"


def test_nothing_in_a_workspace_or_its_environment_is_run(hostile: Workspace) -> None:
    hostile.write({"a.py": b"$Id$\r\n"})
    hostile.begin()
    hostile.write({"a.py": b"$Id$\r\nmore\n", ".gitattributes": b"* -diff filter=evil diff=evil\n"})
    assert "+more" in hostile.diff()
    assert " $Id$\r\n" in hostile.diff()


def test_a_link_is_never_followed(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("theirs")
    workspace.write({"folder/key": b"mine\n"})
    workspace.begin()
    (workspace.root / "folder/key").unlink()
    (workspace.root / "folder").rmdir()
    (workspace.root / "folder").symlink_to(secret)
    assert "theirs" not in workspace.diff()

"""A command uses the repository of its workspace, and cannot make it run anything for others."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.agent.sandbox.running import Place

pytestmark = pytest.mark.slow  # real processes, a tenth of a second each


def git(*arguments: str, at: Path) -> str:
    run = ("git", "-c", "user.name=p", "-c", "user.email=p@p", *arguments)
    return subprocess.run(run, cwd=at, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def place(sandbox: Place) -> Place:
    """A workspace with a person's repository, in which git would run `obeyed` if told so."""
    sandbox.directory.mkdir()
    git("init", "-q", at=sandbox.directory)
    (sandbox.directory / "a.py").write_text("1\n")
    git("add", "a.py", at=sandbox.directory)
    git("commit", "-qm", "first", at=sandbox.directory)
    return sandbox


def obeyed(place: Place) -> bool:
    """Do what the person does next, and say whether that ran what a command had left."""
    git("status", at=place.directory)
    git("add", "--all", at=place.directory)
    git("commit", "-qm", "next", "--allow-empty", at=place.directory)
    return (place.root / "obeyed").exists()


_WAYS = {
    "configuration": "git config core.fsmonitor '{run}'",
    "a new configuration": "rm -f .git/config; echo '{section}' > .git/config",
    "a hook": "echo '{script}' > .git/hooks/post-commit; chmod +x .git/hooks/post-commit",
    "another .git": "mv .git old && cp -r old .git && echo '{section}' >> .git/config",
    "another common folder": (
        "mkdir other && cp -r .git/* other/; echo '{section}' >> other/config;"
        " echo ../other > .git/commondir"
    ),
    "hooks elsewhere": (
        "mkdir h; echo '{script}' > h/post-commit; chmod +x h/post-commit;"
        " mv .git/hooks .git/old; ln -s ../h .git/hooks"
    ),
    "a worktree's configuration": (
        "echo '{section}' > .git/config.worktree; git config extensions.worktreeConfig true"
    ),
}


@pytest.mark.parametrize("way", _WAYS)
async def test_what_a_command_leaves_in_git_is_not_run_by_the_person(
    place: Place, way: str
) -> None:
    run = f"touch {place.root}/obeyed"
    (place.root / "script").write_text(f"#!/bin/sh\n{run}\n")
    section = f"[core]\n\tfsmonitor = {run}"
    await place.run(_WAYS[way].format(run=run, section=section, script=f"#!/bin/sh\n{run}"))
    assert not obeyed(place)


async def test_the_guard_of_these_tests_sees_what_git_runs(place: Place) -> None:
    git("config", "core.fsmonitor", f"touch {place.root}/obeyed", at=place.directory)
    assert obeyed(place)


async def test_a_repository_without_hooks_gets_no_first_one(place: Place) -> None:
    shutil.rmtree(place.directory / ".git/hooks")
    result = await place.run("mkdir -p .git/hooks; echo x > .git/hooks/post-commit")
    assert result.exit_code != 0
    assert list((place.directory / ".git/hooks").iterdir()) == []


async def test_commands_commit_branch_merge_stash_and_clean_up(place: Place) -> None:
    result = await place.run(
        "set -e; echo 2 >> a.py; git commit -qam second; git checkout -qb side; echo 3 > b.py;"
        " git add b.py; git commit -qm third; git checkout -q -; git merge -q side;"
        " git branch -q -d side; echo 4 >> a.py; git stash -q; git stash pop -q; git tag one;"
        " git gc -q; git reset -q --hard; git log --format='%s %an'"
    )
    assert result.exit_code == 0
    assert result.output.endswith("\nthird agent\nsecond agent\nfirst p\n")
    assert git("status", "--porcelain", at=place.directory) == ""


async def test_a_repository_that_a_command_makes_is_its_own(sandbox: Place) -> None:
    result = await sandbox.run(
        "git init -q . && git config user.name me && echo 1 > a && git add a"
        " && git commit -qm made && git log --format=%an"
    )
    assert (result.exit_code, result.output) == (0, "me\n")


async def test_a_git_that_is_a_file_cannot_be_replaced(sandbox: Place) -> None:
    sandbox.directory.mkdir()
    (sandbox.directory / ".git").write_text("gitdir: /elsewhere\n")
    result = await sandbox.run("rm -f .git; echo x > .git; mv .git other")
    assert result.exit_code != 0
    assert (sandbox.directory / ".git").read_text() == "gitdir: /elsewhere\n"


async def test_a_git_that_is_a_link_is_not_mounted(sandbox: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    git("init", "-q", at=outside)
    sandbox.directory.mkdir()
    (sandbox.directory / ".git").symlink_to(outside / ".git")
    result = await sandbox.run("ls .git/ 2>&1; cat .git/config")
    assert (result.exit_code, "core" in result.output) == (1, False)

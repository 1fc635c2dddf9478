"""What a command does before it does its work, and how it ends when that fails."""

from pathlib import Path

import pytest

from tests.agent.e2e.processes import environment, steersman

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """Where a bwrap that stands first in PATH notes that it was called."""
    return tmp_path / "tried"


@pytest.fixture
def path(tmp_path: Path, tried: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/bwrap"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{tried}\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.mark.usefixtures("path")
def test_reading_a_list_tries_no_sandbox(home: Path, database_url: str, tried: Path) -> None:
    env = environment(home, database_url=database_url, model="openai/none")
    for command in (("tasks",), ("approvals",), ("show", "ffff")):
        steersman(*command, env=env)
        assert not tried.exists(), command
    steersman("watch", "ffff", env=env)
    assert tried.exists()


@pytest.mark.parametrize("command", [("tasks",), ("run", "go")])
def test_something_else_in_the_databases_place_is_told_at_once(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/notes").write_text("mine\n")
    ended = steersman(*command, env=environment(tmp_path))
    assert ended.returncode == 2, ended.stderr
    assert "is not a directory of PostgreSQL's; move it away" in ended.stderr

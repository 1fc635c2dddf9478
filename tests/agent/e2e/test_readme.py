"""The README's commands, run as they are printed."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.agent.e2e.conftest import SHOP, put_workspace
from tests.agent.e2e.processes import ROOT, STEERSMAN, Serving, serving

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text("utf-8")


def commands(word: str) -> list[str]:
    """Return the lines of the README's shell blocks that begin with a word, comments cut off."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [re.sub(r"\s{2,}#.*$", "", line).strip() for line in lines]
    return [line for line in found if line.split(" ")[0] == word]


def test_there_are_commands_to_try() -> None:
    assert len(commands("curl")) >= 6
    assert {"make demo", "make test"} <= set(commands("make"))


def examples(address: str) -> list[str]:
    """Return the requests to an address."""
    return [line for line in commands("curl") if address in line]


def test_the_curl_examples_work_as_printed(env: dict[str, str], tmp_path: Path) -> None:
    with serving(env) as server:
        put_workspace(server.url, "shop", SHOP)
        script = "\n".join(
            f"{_captured(line)} || exit {number}"
            for number, line in enumerate(examples("localhost:8000"), start=1)
        ).replace("localhost:8000", server.url.removeprefix("http://"))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, (script, done.stdout, done.stderr)


def _captured(line: str) -> str:
    """Fail on errors, and keep the id of the task that the example makes, as a reader would."""
    line = line.replace("curl -s", "curl --fail-with-body -s", 1)
    if "/tasks -H" not in line:
        return line
    read = "import json, sys; print(json.load(sys.stdin)['task_id'])"
    return f'ID=$({line} | python3 -c "{read}")'


def test_every_command_of_the_command_line_is_one(env: dict[str, str]) -> None:
    names = {line.split()[1] for line in commands("steersman")}
    assert {"doctor", "run", "serve"} <= names
    for name in sorted(names):
        done = subprocess.run(
            [STEERSMAN, name, "--help"], env=env, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 0, name


def test_a_server_is_ready_where_the_readme_says(agent: Serving) -> None:
    assert "http://127.0.0.1:8000" in README
    assert agent.url.startswith("http://127.0.0.1:")

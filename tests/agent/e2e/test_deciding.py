"""Approvals at a terminal, and the commands that steer a task here and at a server."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.agent.e2e.processes import serving, steersman
from tests.agent.e2e.terminal import PROMPT, terminal
from tests.agent.e2e.test_approvals import FINAL, ONE, TWO, asking, begin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def env(home: Path, database_url: str, tmp_path: Path) -> dict[str, str]:
    return asking(home, database_url, tmp_path)


def test_a_run_asks_at_the_terminal_and_does_as_it_is_told(
    env: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with terminal("run", "ask", "--workspace", str(place), env=env) as person:
        person.sees(re.escape(ONE))
        person.sees(PROMPT)
        person.types("y")
        person.sees("approved by local")
        person.sees(PROMPT)
        person.types("Not two.")
        person.sees("rejected by local: Not two.")
        assert person.ends() == 0, person.text
    assert (place / "effects.log").read_text() == "one\n"


@contextmanager
def at_a_server(env: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    with serving(env) as server:
        yield begin(server.url), {**env, "STEERSMAN_URL": server.url}


@contextmanager
def on_this_machine(env: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    with serving(env) as server:
        task_id = begin(server.url)
        server.terminate()
    yield task_id, env


@pytest.mark.parametrize("place", [at_a_server, on_this_machine])
def test_a_task_is_steered_and_decided_by_commands(
    env: dict[str, str],
    place: Callable[[dict[str, str]], AbstractContextManager[tuple[str, dict[str, str]]]],
) -> None:
    with place(env) as (task_id, where):

        def said(*arguments: str) -> tuple[int, str]:
            done = steersman(*arguments, env=where)
            return done.returncode, done.stdout + done.stderr

        code, listed = said("approvals")
        assert (code, listed.count("pending"), ONE in listed, TWO in listed) == (0, 2, True, True)
        assert said("pause", task_id)[1].startswith("Pause sent. Go on with: steersman resume ")
        assert said("show", task_id)[1].count("waiting for pause, approval") == 1
        assert said("resume", task_id)[1].startswith("Resume sent.")
        assert said("approve", "zzzz") == (
            2,
            "steersman: No pending approval ends in 'zzzz'; `steersman approvals` lists them\n",
        )
        one = json.loads(said("approvals", "--json")[1].splitlines()[-1])["approval_id"]
        code, wrong = said("approve", one, "--arguments", '{"comand": "x"}')
        assert (code, wrong.startswith("steersman: arguments: ")) == (2, True)
        edited = json.dumps({"command": "echo edited >> effects.log"})
        assert said("approve", one, "--arguments", edited)[1].startswith("Approved.")
        assert said("approve", one)[0] == 2
        assert said("say", task_id, "Leave it.")[1].startswith("Sent.")
        assert said("approvals", "--all")[1].count("withdrawn") == 1
        assert said("stop", task_id, "--reason", "enough")[1].startswith("Stop sent.")
        code, shown = said("show", task_id, "--json")
        assert (code, json.loads(shown)["state"] in FINAL) == (0, True)

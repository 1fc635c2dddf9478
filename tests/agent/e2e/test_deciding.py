"""Approvals at a terminal, and the commands that steer a task here and at a server."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import serving, steersman
from tests.agent.e2e.terminal import PROMPT, terminal
from tests.agent.e2e.test_approvals import ONE, TWO, asking, begin

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

        def approvals(*options: str) -> list[JsonObject]:
            code, listed = said("approvals", "--json", *options)
            assert code == 0, listed
            return [json.loads(line) for line in listed.splitlines()][::-1]

        def waits_for() -> list[str]:
            return json.loads(said("show", task_id, "--json")[1])["waiting_for"]

        assert [one["arguments"]["command"] for one in approvals()] == [ONE, TWO]
        shown = said("approvals")[1]
        assert (ONE in shown, TWO in shown) == (True, True)
        assert (said("pause", task_id)[0], waits_for()) == (0, ["pause", "approval"])
        assert (said("resume", task_id)[0], waits_for()) == (0, ["approval"])
        assert said("approve", "zzzz")[0] == 2
        one, two = (each["approval_id"] for each in approvals())
        code, wrong = said("approve", one, "--arguments", '{"comand": "x"}')
        assert (code, "comand" in wrong) == (2, True)
        edited = json.dumps({"command": "echo edited >> effects.log"})
        assert said("approve", one, "--arguments", edited)[0] == 0
        assert said("approve", one)[0] == 2
        assert said("say", task_id, "Leave it.")[0] == 0
        states = {each["approval_id"]: each["state"] for each in approvals("--all")}
        assert (states[one], states[two]) == ("approved", "withdrawn")
        assert said("stop", task_id, "--reason", "enough")[0] == 0
        code, end = said("show", task_id, "--json")
        assert (code, json.loads(end)["state"]) == (0, "stopped")

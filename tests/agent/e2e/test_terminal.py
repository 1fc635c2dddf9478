"""The command line as a person sees it: a real process in a pseudo-terminal."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import ROOT, STEERSMAN, environment, steersman
from tests.agent.support.terminal import Terminal, terminal

pytestmark = pytest.mark.slow

PROMPT = "? >"
COMMAND = "echo first >> effects.log\nsleep 0\necho last >> effects.log"
CONTENT = "".join(f"line {number} of the file\n" for number in range(1, 601))


def call(tool: str, **arguments: object) -> JsonObject:
    return {"tool": tool, "arguments": arguments}


class Playing:
    """A person's own machine, on which the model plays what the test wants."""

    def __init__(self, home: Path, database_url: str, folder: Path) -> None:
        self.folder = folder / "code"
        self.folder.mkdir()
        self._cassette = folder / "cassette.json"
        self._settings = {
            "database_url": database_url,
            "model": f"scripted/{self._cassette}",
            "approvals": "*=on_change",
            "sandbox": "none",
            "lease_seconds": 2,
        }
        self._home = home

    def env(self, **settings: object) -> Mapping[str, str]:
        return environment(self._home, **{**self._settings, **settings})

    def plan(self, *calls: JsonObject) -> None:
        """Have the model make these calls in one reply, and finish."""
        done = call("finish_task", result="Done.")
        replies = [
            {"text": "I do it.", "calls": calls, "expect": ["(?s).*"]},
            {"text": "That was it.", "calls": [done], "expect": ["(?s).*"]},
        ]
        self._cassette.write_text(json.dumps({"goal": "go", "replies": replies}))

    @contextmanager
    def run(self, *calls: JsonObject, width: int = 80, **settings: object) -> Iterator[Terminal]:
        """Run the goal in a terminal."""
        self.plan(*calls)
        command = (STEERSMAN, "run", "go", "--workspace", self.folder)
        with terminal(command, self.env(**settings), width=width) as opened:
            yield opened

    def effects(self) -> list[str]:
        """Return what has been written so far."""
        log = self.folder / "effects.log"
        return log.read_text().split() if log.exists() else []

    def log(self, kind: str) -> list[JsonObject]:
        """Return the events of the newest task that are of this type."""
        (listed, *_) = steersman("tasks", "--json", env=self.env()).stdout.splitlines()
        task_id = json.loads(listed)["task_id"]
        watched = steersman("watch", task_id, "--json", env=self.env()).stdout
        events = [json.loads(line) for line in watched.splitlines()]
        return [event for event in events if event["type"] == kind]


@pytest.fixture
def playing(home: Path, database_url: str, tmp_path: Path) -> Playing:
    return Playing(home, database_url, tmp_path)


def above_the_prompt(shown: Terminal, number: int = 1) -> str:
    """Return what can be seen above the prompt of this number, from the one before it on."""
    return shown.text.split(PROMPT)[number - 1]


@pytest.mark.parametrize("width", [60, 100])
def test_a_command_stands_whole_above_its_prompt(playing: Playing, width: int) -> None:
    long = f"{COMMAND}\n: {'x' * 300}END"
    with playing.run(call("execute_terminal_command", command=long), width=width) as shown:
        shown.wait_for(PROMPT)
        # Where a line is broken, an edge stands in it.
        card = "".join(above_the_prompt(shown).replace("┆ ", "").split())
        assert "".join(f"│{line}" for line in long.split("\n")).replace(" ", "") in card
        shown.type("y\n")
        assert (shown.end(), playing.effects()) == (0, ["first", "last"])


def test_a_file_is_shown_to_its_last_line_before_it_is_approved(playing: Playing) -> None:
    with playing.run(call("write_file", path="new.txt", content=CONTENT)) as shown:
        shown.wait_for(PROMPT)
        card = above_the_prompt(shown)
        assert [line for line in CONTENT.splitlines() if f"│ {line}\n" not in card] == []
        shown.type("not this one\n")
        assert shown.end() == 0
    (decided,) = playing.log("approval_decided")
    assert (decided["decision"], decided["reason"]) == ("rejected", "not this one")
    assert not (playing.folder / "new.txt").exists()


def test_a_listing_shows_what_the_log_keeps_apart(playing: Playing) -> None:
    with playing.run(call("write_file", path="new.txt", content=CONTENT)) as shown:
        shown.wait_for(PROMPT)
        listed = steersman("approvals", env=playing.env()).stdout
        ending = listed.split()[1]
        approved = steersman("approve", ending, env=playing.env())
        assert shown.end() == 0
    for text in (listed, approved.stdout):
        assert "│ line 600 of the file\n" in text
    assert (playing.folder / "new.txt").read_text() == CONTENT


def test_of_two_calls_each_is_decided_below_itself(playing: Playing) -> None:
    calls = [
        call("execute_terminal_command", command=f"echo {word} >> effects.log")
        for word in ("one", "two")
    ]
    with playing.run(*calls) as shown:
        shown.wait_for(PROMPT)
        assert "echo two" not in above_the_prompt(shown)
        shown.type("n\n")
        shown.wait_for(PROMPT, times=2)
        assert "echo two" in above_the_prompt(shown, 2)
        shown.type("y\n")
        assert (shown.end(), playing.effects()) == (0, ["two"])
    asked = playing.log("approval_requested")
    prompts = [line for line in shown.lines if PROMPT in line]
    endings = [event["approval_id"][-8:] for event in asked]
    assert [ending in line for ending, line in zip(endings, prompts, strict=True)] == [True, True]


def test_what_was_typed_before_a_call_could_be_seen_does_not_approve_it(playing: Playing) -> None:
    with playing.run(call("execute_terminal_command", command=COMMAND)) as shown:
        shown.wait_for("◆ go")
        shown.type("y\ny\n")
        shown.wait_for(PROMPT)
        shown.type("n\n")
        assert (shown.end(), playing.effects()) == (0, [])


def test_what_was_typed_before_a_question_is_not_its_answer(playing: Playing) -> None:
    with playing.run(call("ask_user", question="Which?"), approvals="*=never") as shown:
        shown.wait_for("◆ go")
        shown.type("early\n")
        shown.wait_for("   >")
        shown.type("the first\nand the second\n")
        assert shown.end() == 0
    (said,) = playing.log("message_added")
    assert said["text"] == "the first\nand the second"


def test_the_prompt_says_what_remembering_covers(playing: Playing) -> None:
    calls = [
        call("write_file", path="a.txt", content="1"),
        call("execute_terminal_command", command="true"),
    ]
    with playing.run(*calls, width=140) as shown:
        shown.wait_for(PROMPT)
        shown.type("y\n")
        shown.wait_for(PROMPT, times=2)
        shown.type("y\n")
        shown.end()
    first, second = above_the_prompt(shown), above_the_prompt(shown, 2)
    assert "later calls that put any content into a.txt in this conversation" in first
    assert "this very call again in this conversation" in second


def test_ctrl_c_stops_the_task_and_leaves_nothing_behind_on_the_screen(playing: Playing) -> None:
    sleep = call("execute_terminal_command", command="sleep 30")
    with playing.run(sleep, approvals="*=never") as shown:
        shown.wait_for("sleep 30")
        assert not shown.echoes
        shown.type("nonsense")
        shown.type("\x03")
        assert (shown.end(), shown.echoes) == (3, True)
    assert [line for line in shown.lines if "^C" in line or "nonsense" in line] == []
    assert shown.text.count("Ctrl-C") == 2  # how to leave it, and why it ended


def test_in_the_background_it_runs_to_its_end(playing: Playing) -> None:
    playing.plan(call("execute_terminal_command", command=COMMAND))
    script = f"set -m; {STEERSMAN} run go --workspace {playing.folder} & wait $!"
    with terminal(("bash", "-c", script), playing.env(approvals="*=never")) as shown:
        assert (shown.end(), playing.effects()) == (0, ["first", "last"])


def test_no_line_is_lost_while_the_view_is_drawn() -> None:
    program = (sys.executable, "-m", "tests.agent.cli.drawing", "30")
    with terminal(program, {**os.environ, "PYTHONPATH": str(ROOT)}, height=24) as shown:
        assert shown.end() == 0
    kept = [line for line in shown.lines if line.endswith("stays")]
    wanted = [f"step {step} line {number} stays" for step in range(1, 31) for number in range(10)]
    assert [line.split("  ")[-1].strip() for line in kept] == wanted

"""The recording of the demo, played against the real example with every call really made."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.adapters.scripted import CassetteCall, demo_cassette
from steersman.core.events import ActionFailed, ActionSucceeded
from steersman.core.ids import ActionId
from steersman.core.model import CallFailed, PromptMessage, Reply
from steersman.core.transcript import outcome_text
from tests.agent.scripted.playing import goal, play, request, turn

SHOP = Path(__file__).parents[3] / "examples" / "shop"
CASSETTE = demo_cassette()
CALLS = [call for reply in CASSETTE.replies for call in reply.calls]
EDIT = next(call for call in CALLS if call.tool == "edit_file")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A fresh copy of the example."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=ignore))


def run(command: str, folder: Path) -> tuple[int, str]:
    words = [sys.executable if word == "python3" else word for word in command.split()]
    ended = subprocess.run(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ended.returncode, ended.stdout


def edit(arguments: dict[str, str], folder: Path) -> str | None:
    """Replace the text and return nothing, or the code of the failure."""
    file = folder / arguments["path"]
    text = file.read_text("utf-8")
    if (found := text.count(arguments["old_text"])) != 1:
        return "not_unique" if found else "not_found"
    file.write_text(text.replace(arguments["old_text"], arguments["new_text"]), "utf-8")
    return None


def outcome(tool: str, arguments: dict[str, str], folder: Path) -> str:
    """Do what a call says and return the outcome as a prompt shows it."""
    exit_code, error = None, None
    match tool:
        case "list_files":
            files = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
            output = "\n".join(sorted(files))
        case "read_file":
            output = (folder / arguments["path"]).read_text("utf-8")
        case "edit_file":
            error = edit(arguments, folder)
            output = arguments["path"]
        case _:
            exit_code, output = run(arguments["command"], folder)
    about = {"action_id": ActionId("a"), "tool": tool, "output": output, "output_bytes": 0}
    if error:
        return outcome_text(ActionFailed.model_validate(about | {"error": error}))
    return outcome_text(ActionSucceeded.model_validate(about | {"exit_code": exit_code}))


async def play_through(folder: Path) -> tuple[list[str], Reply | CallFailed]:
    """Play until `finish_task` or a failure; return the tools that were used and the end."""
    messages: tuple[PromptMessage, ...] = goal(CASSETTE.goal)
    used: list[str] = []
    while True:
        played = await play(request(*messages), cassette=CASSETTE)
        if isinstance(played.end, CallFailed):
            return used, played.end
        used += [tool for tool, _ in played.calls]
        if used[-1] == "finish_task":
            return used, played.end
        outcomes = [outcome(tool, arguments, folder) for tool, arguments in played.calls]
        messages = (*messages, *turn(played.reply.text, *outcomes))


@pytest.mark.slow  # runs the tests of the example
async def test_the_recording_leads_from_the_goal_to_green_tests(shop: Path) -> None:
    used, end = await play_through(shop)
    assert isinstance(end, Reply), end
    assert used == [call.tool for call in CALLS]
    assert run("python3 -m unittest", shop)[0] == 0


@pytest.mark.slow  # runs the tests of the example
def test_the_recorded_edit_mends_the_example(shop: Path) -> None:
    before = run("python3 -m unittest", shop)
    assert edit(EDIT.arguments, shop) is None
    after = run("python3 -m unittest", shop)
    assert (before[0], after[0]) == (1, 0)
    assert "FAILED (failures=3)" in before[1]
    assert re.findall(r"^Ran \d+", before[1], re.M) == re.findall(r"^Ran \d+", after[1], re.M)


def add_a_second_bug(folder: Path) -> None:
    module = folder / "shop" / "stock.py"
    module.write_text(module.read_text("utf-8").replace("line.quantity > left", "False"), "utf-8")


def write_the_bug_differently(folder: Path) -> None:
    module = folder / "shop" / "discounts.py"
    text = module.read_text("utf-8")
    module.write_text(text.replace("* self.percent / 100)", "/ 100 * self.percent)"), "utf-8")


def mend_it_beforehand(folder: Path) -> None:
    assert edit(EDIT.arguments, folder) is None


def remove_the_tests(folder: Path) -> None:
    for file in (folder / "tests").glob("test_*.py"):
        file.unlink()


@pytest.mark.parametrize(
    "change",
    [add_a_second_bug, write_the_bug_differently, mend_it_beforehand, remove_the_tests],
)
async def test_where_the_example_was_changed_the_recording_does_not_claim_success(
    shop: Path, change: Callable[[Path], None]
) -> None:
    change(shop)
    used, end = await play_through(shop)
    assert isinstance(end, CallFailed)
    assert (end.code, "finish_task" in used) == ("rejected", False)


@pytest.mark.parametrize(
    "outcome_of_the_last_run",
    [
        "exit code 1\nRan 57 tests in 0.005s\n\nFAILED (failures=1)",
        "exit code 0\nRan 0 tests in 0.000s\n\nOK",
        "exit code 1\nRan 57 tests in 0.005s\n\nOK",
        "exit code 0\n(no output)",
        "failed (timeout): Ran 57 tests in 0.005s\n\nOK",
    ],
)
async def test_nothing_is_finished_without_evidence(outcome_of_the_last_run: str) -> None:
    last_run = turn(CASSETTE.replies[-2].text, outcome_of_the_last_run)
    played = await play(request(*goal(CASSETTE.goal), *last_run), cassette=CASSETTE)
    assert played.failure.code == "rejected"


async def test_an_edit_that_failed_is_not_tested_as_if_it_had_not() -> None:
    failed = turn(CASSETTE.replies[-3].text, "failed (not_found): the text is not in the file")
    played = await play(request(*goal(CASSETTE.goal), *failed), cassette=CASSETTE)
    assert played.failure.code == "rejected"


def test_every_file_that_the_recording_names_is_in_the_example() -> None:
    texts = [reply.text for reply in CASSETTE.replies]
    texts += [str(value) for call in CALLS for value in call.arguments.values()]
    named = {path for text in texts for path in re.findall(r"\b(?:shop|tests)/\w+\.py", text)}
    named |= {call.arguments["path"] for call in CALLS if "path" in call.arguments}
    assert {"README.md", "shop/discounts.py", "tests/test_discounts.py"} <= named
    assert [path for path in named if not (SHOP / path).is_file()] == []


def test_the_rules_that_the_recording_cites_are_in_the_readme() -> None:
    rules = dict(re.findall(r"^(\d)\. (.+)$", (SHOP / "README.md").read_text("utf-8"), re.M))
    assert "Round once" in rules["2"]
    assert "Half a cent is rounded up" in rules["1"]


def test_the_recording_ends_the_task() -> None:
    last = CASSETTE.replies[-1].calls
    assert [call.tool for call in last] == ["finish_task"]
    assert isinstance(last[0], CassetteCall)
    assert last[0].arguments["result"].startswith("The failing tests pass")

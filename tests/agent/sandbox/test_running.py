"""What a command gets, and what comes back of it."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from steersman.adapters.sandbox.runner import Limits
from steersman.core.ids import ActionId
from steersman.core.tool import CommandRequest, CommandResult, ToolFailure
from tests.agent.sandbox.running import ROOT, Marked, Place


async def test_the_result_is_the_exit_code_and_both_outputs_in_their_order(place: Place) -> None:
    result = await place.run("echo one; echo two >&2; echo three; exit 3")
    assert result == CommandResult("one\ntwo\nthree\n", 14, 3)


async def test_a_command_works_in_the_workspace(place: Place) -> None:
    place.directory.mkdir()
    (place.directory / "in").write_text("hello")
    result = await place.run("cat in; echo bye > out")
    assert (result.output, (place.directory / "out").read_text()) == ("hello", "bye\n")


async def test_bytes_that_are_no_text_come_as_replacement_characters(place: Place) -> None:
    result = await place.run(r"printf 'a\0b\xff\xc3'")
    assert (result.output, result.output_bytes) == ("a\0b\ufffd\ufffd", 5)


async def test_of_a_long_output_the_two_ends_are_kept_and_the_rest_counted(place: Place) -> None:
    limits = Limits(kept_bytes=8)
    result = await place.run("printf 'head'; head -c 2000 /dev/zero; printf 'tail'", limits=limits)
    assert result == CommandResult("head\n[… 2,000 bytes left out …]\ntail", 2008, 0)


async def test_a_character_that_is_cut_does_no_harm(place: Place) -> None:
    result = await place.run("printf 'ääääää'", limits=Limits(kept_bytes=6))
    assert result.output == "ä\ufffd\n[… 6 bytes left out …]\n\ufffdä"


async def test_there_is_no_input(place: Place) -> None:
    assert await place.run("cat; echo end") == CommandResult("end\n", 4, 0)


async def test_a_command_may_close_its_output_and_go_on(place: Place) -> None:
    result = await place.run("exec >&- 2>&-; sleep 0.1; touch later; exit 4")
    assert (result.exit_code, (place.directory / "later").exists()) == (4, True)


async def test_the_result_does_not_wait_for_what_was_left_in_the_background(place: Place) -> None:
    left = Marked()
    result = await place.run(f"{left.sleep} & disown; echo done")
    assert (result, left.alive()) == (CommandResult("done\n", 5, 0), False)


async def test_a_command_that_kills_itself_has_the_exit_code_of_a_shell(place: Place) -> None:
    assert await place.run("kill -9 $$") == CommandResult("", 0, 137)


async def test_nothing_of_our_environment_reaches_a_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "planted")
    result = await place.run("env; { tr '\\0' '\\n' < /proc/$PPID/environ; } 2> /dev/null")
    names = {line.partition("=")[0] for line in result.output.splitlines()}
    assert names <= {"PATH", "HOME", "USER", "LANG", "TERM", "PWD", "SHLVL", "_", "OLDPWD"}


async def test_a_nul_in_a_command_is_the_models_mistake(place: Place) -> None:
    with pytest.raises(ToolFailure) as failure:
        await place.run("echo a\0b")
    assert failure.value.code == "invalid_arguments"


async def test_a_command_that_is_no_valid_unicode_runs(place: Place) -> None:
    assert (await place.run("echo '\ud800'")).exit_code == 0


async def test_the_longest_command_runs(place: Place) -> None:
    result = await place.run("true " + "😀" * 31_995)
    assert result == CommandResult("", 0, 0)


async def test_an_action_runs_once_however_often_it_is_asked_for(place: Place) -> None:
    results = [await place.run("echo x | tee -a count", action="the-action") for _ in range(2)]
    assert results == [CommandResult("x\n", 2, 0)] * 2
    assert (place.directory / "count").read_text() == "x\n"


@pytest.mark.slow
async def test_an_agent_that_is_held_up_takes_the_answer_when_it_goes_on(place: Place) -> None:
    command = "touch started; until [ -e go ]; do sleep 0.01; done; echo done"
    async with place.running(command) as task:
        (place.directory / "go").touch()
        time.sleep(1.5)  # noqa: ASYNC251 - the whole loop: a beat is due when all has ended
        assert await task == CommandResult("done\n", 5, 0)


async def test_a_launcher_that_cannot_work_is_no_outcome_of_the_command(place: Place) -> None:
    place.state.mkdir(parents=True)
    (place.state / "fences").write_text("no folder")
    result = await place.run("touch started")
    assert (result.ended_by, (place.directory / "started").exists()) == ("sandbox_failed", False)


async def test_a_workspace_that_is_gone_is_told_from_a_command_that_fails(sandbox: Place) -> None:
    commands = sandbox.commands()
    sandbox.directory.rmdir()
    result = await commands.run(CommandRequest(ActionId("any"), "true", timedelta(seconds=5)))
    assert (result.ended_by, result.exit_code) == ("sandbox_failed", None)


def test_the_launcher_imports_only_itself_and_a_little_of_the_standard_library() -> None:
    code = "import sys; sys.path.append(sys.argv[1]); old = set(sys.modules); " + (
        "import steersman.adapters.sandbox.launcher.main; print(*set(sys.modules) - old)"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT / "python-agent")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    packages = {"steersman", "steersman.adapters", "steersman.adapters.sandbox"}
    ours = {name for name in loaded if name.startswith("steersman")} - packages
    assert all(name.startswith("steersman.adapters.sandbox.launcher") for name in ours)
    assert {name.partition(".")[0] for name in loaded} <= sys.stdlib_module_names | {"steersman"}
    assert {"asyncio", "dataclasses", "subprocess", "logging"}.isdisjoint(loaded)


async def test_a_launcher_that_cannot_be_started_has_run_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(place.root / "missing"))
    with pytest.raises(ToolFailure, match="not run: No such file") as failure:
        await place.run("true")
    assert failure.value.code == "sandbox_failed"

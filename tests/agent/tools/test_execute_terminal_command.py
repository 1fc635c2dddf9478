"""What a model learns of a command. How it runs is tested with the sandbox."""

from datetime import timedelta

import pytest

from steersman.core.ids import ActionId
from steersman.core.tool import (
    CommandRequest,
    CommandResult,
    OutcomeUnknown,
    RunningTool,
    ToolOutput,
)
from tests.agent.tools.conftest import TOOLS, CannedCommands, Workplace


async def test_a_command_is_run_with_its_time(work: Workplace) -> None:
    work.commands = CannedCommands(CommandResult("done\n", 5, 3))
    said = await work.call("execute_terminal_command", command="make", timeout_seconds=7)
    assert said == "done\n"
    assert work.commands.requests == [
        CommandRequest(ActionId("action"), "make", timedelta(seconds=7))
    ]


async def test_a_command_gets_no_more_time_than_the_task_has(work: Workplace) -> None:
    work.commands, work.remaining = CannedCommands(CommandResult("", 0, 0)), timedelta(seconds=3)
    await work.call("execute_terminal_command", command="make")
    assert [request.timeout for request in work.commands.requests] == [timedelta(seconds=3)]


@pytest.mark.parametrize(
    ("ended_by", "output", "said"),
    [
        (
            "timeout",
            "one\n",
            "It was ended after 120 seconds. Run something narrower or give it longer "
            "(timeout_seconds, 600 at most). It had printed:\none\n",
        ),
        (
            "output_limit",
            "",
            "It was ended because it printed too much. Make it quieter or filter its output. "
            "It printed nothing.",
        ),
        (
            "memory_limit",
            "",
            "It was ended because it went past the memory limit. Run something smaller. "
            "It printed nothing.",
        ),
        (
            "disk_limit",
            "",
            "It was ended because it went past the disk limit. Run something smaller. "
            "It printed nothing.",
        ),
        (
            "sandbox_failed",
            "bwrap: no\n",
            "It was not run, because its sandbox could not be set up. It had printed:\nbwrap: no\n",
        ),
    ],
)
async def test_a_command_that_was_ended_is_a_failure_with_what_it_printed(
    work: Workplace, ended_by: str, output: str, said: str
) -> None:
    work.commands = CannedCommands(CommandResult(output, len(output), None, ended_by))
    assert await work.failure("execute_terminal_command", command="make") == (ended_by, said)


@pytest.mark.parametrize("ended_by", ["agent_lost", "fenced", "supervisor_lost"])
async def test_nobody_says_that_a_command_failed_which_was_cut_in_the_middle(
    work: Workplace, ended_by: str
) -> None:
    work.commands = CannedCommands(CommandResult("one\n", 4, None, ended_by))
    with pytest.raises(OutcomeUnknown, match=f"{ended_by}.* It had printed:\none"):
        await work.call("execute_terminal_command", command="make")


async def test_without_a_sandbox_no_command_runs(work: Workplace) -> None:
    code, text = await work.failure("execute_terminal_command", command="make")
    assert (code, text.startswith("Commands are off here")) == ("sandbox_off", True)


async def test_a_command_that_an_earlier_process_began_is_adopted_if_its_end_is_known(
    work: Workplace,
) -> None:
    tool = TOOLS["execute_terminal_command"]
    assert isinstance(tool, RunningTool)
    assert tool.adopt is not None
    work.commands = CannedCommands(CommandResult("done\n", 5, 3))
    arguments = tool.arguments(command="make")
    assert await tool.adopt(arguments, work.context()) is None
    await tool.run(arguments, work.context())
    assert await tool.adopt(arguments, work.context()) == ToolOutput("done\n", 3)

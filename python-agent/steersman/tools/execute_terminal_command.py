"""`execute_terminal_command`: a shell command in the workspace's sandbox."""

from datetime import timedelta

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import (
    Arguments,
    CommandRequest,
    CommandResult,
    OutcomeUnknown,
    RunningTool,
    ToolContext,
    ToolFailure,
    ToolOutput,
)

_DEFAULT_SECONDS = 120
_MAX_SECONDS = 600


_CUT = frozenset({"agent_lost", "fenced", "supervisor_lost"})
"""Endings in the middle of a command: what it had done by then, nobody knows."""


class ExecuteTerminalCommand(Arguments):
    """What to run."""

    command: str = Field(
        min_length=1,
        max_length=32_000,
        description="The command; it starts in the workspace's top folder.",
    )
    timeout_seconds: int = Field(
        default=_DEFAULT_SECONDS,
        ge=1,
        le=_MAX_SECONDS,
        description=f"End it after this many seconds, {_MAX_SECONDS} at most.",
    )


async def _run(arguments: ExecuteTerminalCommand, context: ToolContext) -> ToolOutput:
    if context.commands is None:
        raise ToolFailure(
            "sandbox_off",
            "Commands are off here, because there is no sandbox to run them in. Go on without.",
        )
    timeout = min(timedelta(seconds=arguments.timeout_seconds), context.remaining)
    request = CommandRequest(context.action_id, arguments.command, timeout)
    return _output(await context.commands.run(request), timeout)


async def _adopt(arguments: ExecuteTerminalCommand, context: ToolContext) -> ToolOutput | None:
    result = await context.commands.adopt(context.action_id) if context.commands else None
    if result is None or result.ended_by in _CUT:
        return None
    return _output(result, timedelta(seconds=arguments.timeout_seconds))


def _output(result: CommandResult, timeout: timedelta) -> ToolOutput:
    if result.ended_by is not None:
        why = _why(result.ended_by, timeout)
        printed = f"It had printed:\n{result.output}" if result.output else "It printed nothing."
        if result.ended_by in _CUT:
            raise OutcomeUnknown(f"{why} {printed}")
        raise ToolFailure(result.ended_by, f"{why} {printed}")
    return ToolOutput(result.output, result.exit_code)


def _why(ended_by: str, timeout: timedelta) -> str:
    match ended_by:
        case "timeout":
            return (
                f"It was ended after {timeout.total_seconds():.0f} seconds. Run something narrower "
                f"or give it longer (timeout_seconds, {_MAX_SECONDS} at most)."
            )
        case "output_limit":
            return "It was ended because it printed too much. Make it quieter or filter its output."
        case "memory_limit" | "process_limit" | "disk_limit":
            what = ended_by.removesuffix("_limit")
            return f"It was ended because it went past the {what} limit. Run something smaller."
        case "sandbox_failed":
            return "It was not run, because its sandbox could not be set up."
        case _:
            return f"It was ended ({ended_by})."


TOOL = RunningTool(
    name="execute_terminal_command",
    description=(
        "Run a bash command in the workspace and get its exit code and its output, stdout and "
        "stderr together. It has no network and no input, and only what it writes into the "
        "workspace is kept. Processes that it leaves behind are ended."
    ),
    arguments=ExecuteTerminalCommand,
    effect=Effect.UNSAFE,
    run=_run,
    adopt=_adopt,
)

"""`execute_terminal_command`: a shell command in the workspace's sandbox."""

from datetime import timedelta

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import (
    Arguments,
    CommandRequest,
    RunningTool,
    ToolContext,
    ToolFailure,
    ToolOutput,
)

_DEFAULT_SECONDS = 120
_MAX_SECONDS = 600


class ExecuteTerminalCommand(Arguments):
    """What to run."""

    command: str = Field(
        min_length=1, max_length=32_000, description="A bash command, run in the workspace."
    )
    timeout_seconds: int = Field(
        default=_DEFAULT_SECONDS,
        ge=1,
        le=_MAX_SECONDS,
        description=f"When to end it, {_MAX_SECONDS} at most.",
    )


async def _run(arguments: ExecuteTerminalCommand, context: ToolContext) -> ToolOutput:
    if context.commands is None:
        raise ToolFailure(
            "sandbox_off", "Commands are off here: there is no sandbox to run them in."
        )
    timeout = min(timedelta(seconds=arguments.timeout_seconds), context.remaining)
    request = CommandRequest(context.action_id, arguments.command, timeout)
    result = await context.commands.run(request)
    if result.ended_by is not None:
        raise ToolFailure(result.ended_by, _why(result.ended_by, timeout) + result.output)
    return ToolOutput(result.output, result.exit_code)


def _why(ended_by: str, timeout: timedelta) -> str:
    if ended_by == "timeout":
        return f"It was ended after {timeout.total_seconds():.0f} seconds. It had printed:\n"
    return f"It was ended ({ended_by}). It had printed:\n"


TOOL = RunningTool(
    name="execute_terminal_command",
    description=(
        "Run a bash command in the workspace and get its exit code and output (stdout and stderr "
        "together). There is no network, no input, and nothing outside of the workspace can be "
        "written. Processes that it leaves behind are ended."
    ),
    arguments=ExecuteTerminalCommand,
    effect=Effect.UNSAFE,
    run=_run,
)

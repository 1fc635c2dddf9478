"""`read_output`: the middle of an output that was too long to show."""

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolFailure, ToolOutput

_MAX_BYTES = 6_000


class ReadOutput(Arguments):
    """What to read."""

    artifact: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="The name given where the output was cut."
    )
    start: int = Field(default=0, ge=0, description="From which byte on.")
    length: int = Field(default=_MAX_BYTES, ge=1, le=_MAX_BYTES, description="How many bytes.")


async def _run(arguments: ReadOutput, context: ToolContext) -> ToolOutput:
    raw = await context.artifacts.read(arguments.artifact)
    if raw is None:
        raise ToolFailure("not_found", "This task has no such artifact.")
    part = raw[arguments.start : arguments.start + arguments.length]
    last = arguments.start + len(part)
    head = f"bytes {arguments.start:,} to {last:,} of {len(raw):,}:\n"
    return ToolOutput(head + part.decode(errors="replace"))


TOOL = RunningTool(
    name="read_output",
    description="Read part of an output that was cut, by the name of its artifact.",
    arguments=ReadOutput,
    effect=Effect.PURE,
    run=_run,
)

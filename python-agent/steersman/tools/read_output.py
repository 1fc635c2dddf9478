"""`read_output`: any part of an output that was too long to show."""

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
    length: int = Field(default=_MAX_BYTES, ge=100, le=_MAX_BYTES, description="How many bytes.")


async def _run(arguments: ReadOutput, context: ToolContext) -> ToolOutput:
    raw = await context.artifacts.read(arguments.artifact)
    if raw is None:
        raise ToolFailure(
            "not_found", "This task has no such artifact; copy the name from where the cut is."
        )
    if arguments.start >= len(raw) > 0:
        raise ToolFailure("invalid_arguments", f"The output has only {len(raw):,} bytes.")
    first = _character_start(raw, arguments.start)
    last = _character_start(raw, min(arguments.start + arguments.length, len(raw)))
    head = f"bytes {first} to {last} of {len(raw)}:\n"
    return ToolOutput(head + raw[first:last].decode(errors="replace"))


def _character_start(raw: bytes, at: int) -> int:
    """Go back to where a character begins, so that none is cut in two."""
    while 0 < at < len(raw) and raw[at] & 0xC0 == 0x80:
        at -= 1
    return at


TOOL = RunningTool(
    name="read_output",
    description="Read part of an output that was cut, by the name of its artifact.",
    arguments=ReadOutput,
    effect=Effect.PURE,
    run=_run,
)

"""`read_file`: a text file, whole or some of its lines."""

import asyncio

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolFailure, ToolOutput


class ReadFile(Arguments):
    """What to read."""

    path: str = Field(min_length=1, description="A file, relative to the workspace.")
    start_line: int = Field(default=1, ge=1, description="The first line to read, from 1.")
    end_line: int | None = Field(
        default=None,
        ge=1,
        description="The last line to read. Left out: to the end.",
        json_schema_extra={"type": "integer"},
    )


async def _run(arguments: ReadFile, context: ToolContext) -> ToolOutput:
    raw = await asyncio.to_thread(context.files.read, arguments.path)
    if b"\0" in raw[:8192]:
        raise ToolFailure("not_a_file", f"{arguments.path} is not text ({len(raw):,} bytes).")
    lines = raw.decode(errors="replace").splitlines(keepends=True)
    first, last = arguments.start_line, min(arguments.end_line or len(lines), len(lines))
    if first > max(len(lines), 1):
        raise ToolFailure("invalid_arguments", f"The file has only {len(lines)} lines.")
    shown = "".join(lines[first - 1 : last])
    head = f"{arguments.path}, lines {first} to {last} of {len(lines)}:\n" if lines else ""
    return ToolOutput(head + shown if lines else f"{arguments.path} is empty.")


TOOL = RunningTool(
    name="read_file",
    description=(
        "Read a text file, or some of its lines. A line above the content says which lines "
        "follow and how many there are; the content itself has no line numbers."
    ),
    arguments=ReadFile,
    effect=Effect.PURE,
    run=_run,
)

"""`list_files`: which files there are."""

import asyncio

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolOutput

_MAX_FILES = 500


class ListFiles(Arguments):
    """What to list."""

    path: str = Field(default=".", description="A folder, relative to the workspace.")
    pattern: str = Field(
        default="",
        description="Only files whose name or path matches this glob, such as *.py or src/**/*.ts.",
    )


async def _run(arguments: ListFiles, context: ToolContext) -> ToolOutput:
    pattern = arguments.pattern or None
    files, more = await asyncio.to_thread(context.files.list, arguments.path, pattern, _MAX_FILES)
    lines = [f"{entry.path}  {entry.size_bytes:,} bytes" for entry in files]
    if more:
        lines.append(f"(more than {_MAX_FILES} files; give a path or a pattern)")
    return ToolOutput("\n".join(lines) or "(no files)")


TOOL = RunningTool(
    name="list_files",
    description=(
        "List the files below a folder with their sizes, all levels deep. "
        "Version control and caches are left out."
    ),
    arguments=ListFiles,
    effect=Effect.PURE,
    run=_run,
)

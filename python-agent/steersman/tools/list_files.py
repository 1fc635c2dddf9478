"""`list_files`: which files there are."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import Arguments, FileEntry, RunningTool, ToolContext, ToolOutput

_MAX_FILES = 10_000
_MAX_LINES = 150


class ListFiles(Arguments):
    """What to list."""

    path: str = Field(
        default=".", max_length=1_000, description="A folder of the workspace. Default: all of it."
    )
    pattern: str = Field(
        default="",
        max_length=300,
        description="Only files whose name matches this glob, such as *.py, or whose path does if "
        "it has a slash, such as src/**/*.ts. No {a,b}.",
    )


async def _run(arguments: ListFiles, context: ToolContext) -> ToolOutput:
    pattern = arguments.pattern or None
    files, more = await asyncio.to_thread(context.files.list, arguments.path, pattern, _MAX_FILES)
    if not files:
        return ToolOutput("(no files)" if pattern is None else "(no files match the pattern)")
    if len(files) <= _MAX_LINES:
        return ToolOutput("\n".join(_line(entry) for entry in files))
    return ToolOutput(_by_folder(files, arguments.path, more=more))


def _by_folder(files: Sequence[FileEntry], path: str, *, more: bool) -> str:
    """Count the files of each folder instead: the first few of very many would tell little."""
    start = len([name for name in path.split("/") if name not in ("", ".")])
    deeper = [entry for entry in files if entry.path.count("/") > start]
    folders = Counter("/".join(entry.path.split("/")[: start + 1]) for entry in deeper)
    lines = [f"{folder}/  {number:,} files" for folder, number in folders.items()]
    lines += [_line(entry) for entry in files if entry.path.count("/") <= start]
    left_out = f", {len(lines) - _MAX_LINES:,} lines left out" if len(lines) > _MAX_LINES else ""
    number = f"more than {len(files):,}" if more else f"{len(files):,}"
    head = f"({number} files; give a folder as path, or a pattern, to see more{left_out})"
    return "\n".join([head, *lines[:_MAX_LINES]])


def _line(entry: FileEntry) -> str:
    return f"{entry.path}  {entry.size_bytes:,} bytes"


TOOL = RunningTool(
    name="list_files",
    description=(
        "List the files below a folder, all levels deep, with their sizes; the number of files by "
        "folder when there are many. Symbolic links, version control and caches are left out."
    ),
    arguments=ListFiles,
    effect=Effect.PURE,
    run=_run,
)

"""`search_files`: a regular expression over the workspace's text files.

Some patterns take forever, and nothing ends one inside this process: another process searches,
in what it is sent, and is killed when its time is up.
"""

import asyncio
import contextlib
import json
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import (
    Arguments,
    RunningTool,
    ToolContext,
    ToolFailure,
    ToolOutput,
    WorkspaceFiles,
)
from steersman.tools import searching

_MAX_FILES = 5_000
_MAX_MATCHES = 200
_MAX_FILE_BYTES = 1024 * 1024
_SECONDS = 10


class SearchFiles(Arguments):
    """What to search for."""

    pattern: str = Field(
        min_length=1, max_length=1_000, description="A Python regular expression, for one line."
    )
    path: str = Field(default=".", description="A folder or file, relative to the workspace.")


async def _run(arguments: SearchFiles, context: ToolContext) -> ToolOutput:
    try:
        re.compile(arguments.pattern)
    except re.error as error:
        raise ToolFailure("invalid_arguments", f"pattern: {error}") from None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", searching.__file__, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        async with asyncio.timeout(_SECONDS):
            async with asyncio.TaskGroup() as group:
                group.create_task(_send(process, arguments, context.files))
                found = group.create_task(_received(process))
    except TimeoutError:
        raise ToolFailure(
            "timeout", f"The search took more than {_SECONDS} seconds; simplify the pattern."
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return ToolOutput(found.result() or "(no matches)")


async def _send(
    process: asyncio.subprocess.Process, arguments: SearchFiles, files: WorkspaceFiles
) -> None:
    assert process.stdin is not None
    request = {"pattern": arguments.pattern, "limit": _MAX_MATCHES}
    entries, _ = await asyncio.to_thread(files.list, arguments.path, None, _MAX_FILES)
    sources = (
        (entry.path, entry.size_bytes) for entry in entries if entry.size_bytes < _MAX_FILE_BYTES
    )
    with contextlib.suppress(ConnectionError):
        process.stdin.write(json.dumps(request).encode() + b"\n")
        for path, _ in sources:
            process.stdin.writelines(await asyncio.to_thread(_framed, files, path))
            await process.stdin.drain()
    process.stdin.close()


def _framed(files: WorkspaceFiles, path: str) -> list[bytes]:
    """Return a text file with its header; nothing for one that has gone or is no text."""
    try:
        raw = files.read(path)
    except ToolFailure:
        return []
    if b"\0" in raw[:8192]:
        return []
    return [json.dumps([path, len(raw)]).encode() + b"\n", raw]


async def _received(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.read()).decode(errors="replace").rstrip("\n")


TOOL = RunningTool(
    name="search_files",
    description=(
        "Search the text files below a folder line by line. Answers `path:line: text` for each "
        f"match, {_MAX_MATCHES} at most."
    ),
    arguments=SearchFiles,
    effect=Effect.PURE,
    run=_run,
)

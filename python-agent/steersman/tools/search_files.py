"""`search_files`: a regular expression over the workspace's text files.

Some patterns take forever, and nothing ends one inside this process: another process searches,
in what it is sent, and is killed when its time is up.
"""

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.text import INLINE_LIMIT_BYTES
from steersman.core.tool import (
    Arguments,
    FileEntry,
    RunningTool,
    ToolContext,
    ToolFailure,
    ToolOutput,
    WorkspaceFiles,
)
from steersman.tools import searching
from steersman.tools.text_format import is_binary

_MAX_FILES = 10_000
_MAX_MATCHES = 100
_MAX_BYTES = INLINE_LIMIT_BYTES - 500
_MAX_FILE_BYTES = 1024 * 1024
_SECONDS = 10
_BATCH = 16


class SearchFiles(Arguments):
    """What to search for."""

    pattern: str = Field(
        min_length=1,
        max_length=1_000,
        description="A Python regular expression, matched line by line; (?i) at its start ignores "
        "case. Escape characters that are meant literally.",
    )
    path: str = Field(
        default=".",
        max_length=1_000,
        description="A folder or file of the workspace. Default: all of it.",
    )


async def _run(arguments: SearchFiles, context: ToolContext) -> ToolOutput:
    entries, more = await asyncio.to_thread(context.files.list, arguments.path, None, _MAX_FILES)
    small = [entry for entry in entries if entry.size_bytes <= _MAX_FILE_BYTES]
    lines = await _search(arguments.pattern, small, context.files)
    if len(small) < len(entries):
        lines += f"({len(entries) - len(small)} files of more than 1 MB were not searched)\n"
    if more:
        lines += f"(only the first {_MAX_FILES:,} files were searched; give a path)\n"
    return ToolOutput(lines.rstrip("\n"))


async def _search(pattern: str, entries: Sequence[FileEntry], files: WorkspaceFiles) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        searching.__file__,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={},
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(process, pattern, entries, files))
            received = group.create_task(_received(process))
        await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _answer(process.returncode, received.result())


def _answer(exit_code: int | None, printed: str) -> str:
    match exit_code:
        case 0:
            return printed or "(no matches)\n"
        case searching.INVALID_PATTERN:
            raise ToolFailure("invalid_arguments", f"pattern: {printed.rstrip()}")
        case code if code == -signal.SIGALRM:
            raise ToolFailure(
                "timeout",
                f"The search took more than {_SECONDS} seconds. Use a simpler pattern, without "
                "nested repetition, or a narrower path.",
            )
        case code:
            raise ChildProcessError(f"the search ended with {code}")


async def _send(
    process: Process, pattern: str, entries: Sequence[FileEntry], files: WorkspaceFiles
) -> None:
    assert process.stdin is not None
    request = {
        "pattern": pattern,
        "seconds": _SECONDS,
        "matches": _MAX_MATCHES,
        "bytes": _MAX_BYTES,
    }
    with contextlib.suppress(ConnectionError):  # it has ended: it has enough, or its time is up
        process.stdin.write(json.dumps(request).encode() + b"\n")
        for first in range(0, len(entries), _BATCH):
            batch = entries[first : first + _BATCH]
            framed = await asyncio.to_thread(_framed, files, batch)
            if process.stdin.is_closing():  # then uvloop's pipe raises RuntimeError
                break
            process.stdin.writelines(framed)
            await process.stdin.drain()
    process.stdin.close()


def _framed(files: WorkspaceFiles, entries: Sequence[FileEntry]) -> list[bytes]:
    """Return text files, each after its header; nothing of one that has gone or is no text."""
    framed: list[bytes] = []
    for entry in entries:
        with contextlib.suppress(ToolFailure):
            raw = files.read(entry.path)
            if not is_binary(raw):
                framed += [json.dumps([entry.path, len(raw)]).encode() + b"\n", raw]
    return framed


async def _received(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.read()).decode(errors="replace")


TOOL = RunningTool(
    name="search_files",
    description=(
        "Search the text files below a folder, or one file, for a regular expression. Answers "
        f"`path:line: text` for each line that matches, {_MAX_MATCHES} at most."
    ),
    arguments=SearchFiles,
    effect=Effect.PURE,
    run=_run,
)

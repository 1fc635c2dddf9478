"""`write_file`: a whole file."""

import asyncio

from pydantic import Field

from steersman.core.tool import Arguments, IdempotentTool, ToolContext, ToolOutput
from steersman.tools.replacing import plan, replace


class WriteFile(Arguments):
    """What to write."""

    path: str = Field(min_length=1, description="A file, relative to the workspace.")
    content: str = Field(description="The whole new content.")


async def _prepare(arguments: WriteFile, context: ToolContext) -> str:
    old = await asyncio.to_thread(context.files.digest, arguments.path)
    return plan(old, arguments.content.encode())


async def _run(arguments: WriteFile, context: ToolContext, key: str) -> ToolOutput:
    content = arguments.content.encode()
    await asyncio.to_thread(replace, context.files, arguments.path, content, key)
    return ToolOutput(f"Wrote {arguments.path} ({len(content):,} bytes).")


TOOL = IdempotentTool(
    name="write_file",
    description=(
        "Write a file, replacing it if it is there; folders are made as needed. "
        "To change part of a file use edit_file."
    ),
    arguments=WriteFile,
    prepare=_prepare,
    run=_run,
)

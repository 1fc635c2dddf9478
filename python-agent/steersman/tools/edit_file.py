"""`edit_file`: one exact passage of a file."""

import asyncio

from pydantic import Field

from steersman.core.tool import Arguments, IdempotentTool, ToolContext, ToolFailure, ToolOutput
from steersman.tools.replacing import is_done, plan, replace


class EditFile(Arguments):
    """What to replace."""

    path: str = Field(min_length=1, description="A file, relative to the workspace.")
    old_text: str = Field(
        min_length=1,
        description=(
            "The passage to replace, exactly as it stands in the file, white space included. "
            "It must occur once: add lines around it if it occurs more often."
        ),
    )
    new_text: str = Field(description="What stands there instead; empty to delete the passage.")


async def _prepare(arguments: EditFile, context: ToolContext) -> str:
    return await asyncio.to_thread(_plan, arguments, context)


def _plan(arguments: EditFile, context: ToolContext) -> str:
    old = context.files.digest(arguments.path)
    return plan(old, _edited(arguments, context))


async def _run(arguments: EditFile, context: ToolContext, key: str) -> ToolOutput:
    await asyncio.to_thread(_apply, arguments, context, key)
    return ToolOutput(f"Edited {arguments.path}.")


def _apply(arguments: EditFile, context: ToolContext, key: str) -> None:
    if not is_done(context.files, arguments.path, key):
        replace(context.files, arguments.path, _edited(arguments, context), key)


def _edited(arguments: EditFile, context: ToolContext) -> bytes:
    raw = context.files.read(arguments.path)
    old, new = arguments.old_text.encode(), arguments.new_text.encode()
    found = raw.count(old)
    if found == 0:
        raise ToolFailure(
            "not_found", f"old_text does not occur in {arguments.path}; read the file and copy it."
        )
    if found > 1:
        raise ToolFailure(
            "not_unique", f"old_text occurs {found} times in {arguments.path}; add lines around it."
        )
    return raw.replace(old, new)


TOOL = IdempotentTool(
    name="edit_file",
    description="Replace one passage of a file by another. Read the file first.",
    arguments=EditFile,
    prepare=_prepare,
    run=_run,
)

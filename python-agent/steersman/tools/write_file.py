"""`write_file`: a whole file."""

from pydantic import Field

from steersman.core.tool import Arguments, IdempotentTool, ToolContext, ToolOutput
from steersman.tools.replacing import Change, carry_out, plan
from steersman.tools.text_format import TextFormat


class WriteFile(Arguments):
    """What to write."""

    path: str = Field(min_length=1, max_length=1_000, description="A file of the workspace.")
    content: str = Field(description="The whole new content.")


async def _prepare(arguments: WriteFile, context: ToolContext) -> str:
    return await plan(context.files, arguments.path, _change(arguments))


async def _run(arguments: WriteFile, context: ToolContext, key: str) -> ToolOutput:
    await carry_out(context.files, arguments.path, _change(arguments), key)
    return ToolOutput(f"Wrote {arguments.path} ({len(arguments.content.encode()):,} bytes).")


def _change(arguments: WriteFile) -> Change:
    return lambda old: TextFormat.of(old or b"").encode(arguments.content)


TOOL = IdempotentTool(
    name="write_file",
    description=(
        "Write a whole file. It replaces a file that is there, keeping its permissions and CRLF "
        "line endings; missing folders are made. To change part of a file use edit_file."
    ),
    arguments=WriteFile,
    prepare=_prepare,
    run=_run,
    same_by=("path",),
)

"""`edit_file`: one exact passage of a file."""

from typing import Self

from pydantic import Field, model_validator

from steersman.core.tool import Arguments, IdempotentTool, ToolContext, ToolFailure, ToolOutput
from steersman.tools.passages import lines_where, similar_lines
from steersman.tools.replacing import Change, carry_out, plan
from steersman.tools.text_format import TextFormat

_NOT_UTF8 = "\N{REPLACEMENT CHARACTER}"


class EditFile(Arguments):
    """What to replace."""

    path: str = Field(min_length=1, max_length=1_000, description="A file of the workspace.")
    old_text: str = Field(
        min_length=1,
        description="The passage to replace, copied exactly, white space included. It must occur "
        "exactly once in the file; add neighbouring lines until it does.",
    )
    new_text: str = Field(description="What to put in its place; empty deletes the passage.")

    @model_validator(mode="after")
    def _require_change(self) -> Self:
        if self.old_text == self.new_text:
            raise ValueError("old_text and new_text are the same, so nothing would change")
        return self


async def _prepare(arguments: EditFile, context: ToolContext) -> str:
    return await plan(context.files, arguments.path, _change(arguments))


async def _run(arguments: EditFile, context: ToolContext, key: str) -> ToolOutput:
    await carry_out(context.files, arguments.path, _change(arguments), key)
    return ToolOutput(f"Edited {arguments.path}.")


def _change(arguments: EditFile) -> Change:
    return lambda raw: _edited(arguments, raw)


def _edited(arguments: EditFile, raw: bytes | None) -> bytes:
    """Replace bytes by bytes, so that what is no UTF-8 elsewhere in the file stays as it is."""
    if raw is None:
        raise ToolFailure("not_found", f"{arguments.path}: there is no such file.")
    written = TextFormat.of(raw)
    old = written.encode_passage(arguments.old_text)
    at = raw.find(old)
    if at < 0:
        raise ToolFailure("not_found", _not_found(arguments, written.decode(raw)))
    # Not rfind: of the two only find takes linear time, whatever a model makes it look for.
    if raw.find(old, at + 1) >= 0:
        lines = ", ".join(str(line) for line in lines_where(raw, old))
        raise ToolFailure(
            "not_unique",
            f"old_text occurs more than once in {arguments.path} (lines {lines}); "
            "add neighbouring lines to the one that you mean.",
        )
    return raw[:at] + written.encode_passage(arguments.new_text) + raw[at + len(old) :]


def _not_found(arguments: EditFile, text: str) -> str:
    said = f"old_text does not occur in {arguments.path}. "
    if _NOT_UTF8 in arguments.old_text:
        return said + f"{_NOT_UTF8} stands for bytes that are no UTF-8; take a passage without it."
    if (lines := similar_lines(text, arguments.old_text)) is None:
        return said + "Read the file as it is now and copy the passage from it."
    first, last = lines
    return said + (
        f"Lines {first} to {last} differ from it only in white space or in how characters are "
        "written: read them and copy them exactly."
    )


TOOL = IdempotentTool(
    name="edit_file",
    description=(
        "Replace one passage of a text file by another. Read the passage first. "
        "The file's permissions and CRLF line endings are kept."
    ),
    arguments=EditFile,
    prepare=_prepare,
    run=_run,
    same_by=("path",),
)

"""`read_file`: a text file, or some of its lines."""

import asyncio
from typing import Any, Self

from pydantic import Field, model_validator

from steersman.core.events import Effect
from steersman.core.text import INLINE_LIMIT_BYTES
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolFailure, ToolOutput
from steersman.tools.text_format import TextFormat, is_binary, lines_of

# An event keeps this much of an output; whole lines up to that beat a text cut in its middle.
_MAX_BYTES = INLINE_LIMIT_BYTES - 1_200


def _as_integer(schema: dict[str, Any]) -> None:
    """Show an optional number as a plain one: not every provider understands `anyOf`."""
    schema |= {"type": "integer", "minimum": 1}
    del schema["anyOf"], schema["default"]


class ReadFile(Arguments):
    """What to read."""

    path: str = Field(min_length=1, max_length=1_000, description="A file of the workspace.")
    start_line: int = Field(default=1, ge=1, description="The first line to read, from 1.")
    end_line: int | None = Field(
        default=None,
        ge=1,
        description="The last line to read. Left out: as far as one answer holds.",
        json_schema_extra=_as_integer,
    )

    @model_validator(mode="after")
    def _require_order(self) -> Self:
        if self.end_line is not None and self.end_line < self.start_line:
            raise ValueError("end_line comes before start_line")
        return self


async def _run(arguments: ReadFile, context: ToolContext) -> ToolOutput:
    raw = await asyncio.to_thread(context.files.read, arguments.path)
    if is_binary(raw):
        raise ToolFailure("not_a_file", f"{arguments.path} is no text ({len(raw):,} bytes).")
    written = TextFormat.of(raw)
    return ToolOutput(_page(arguments, lines_of(written.decode(raw)), crlf=written.crlf))


def _page(arguments: ReadFile, lines: list[str], *, crlf: bool) -> str:
    path, first = arguments.path, arguments.start_line
    if not lines:
        return f"{path} is empty."
    if first > len(lines):
        raise ToolFailure(
            "invalid_arguments", f"{path} has only {len(lines)} lines; start_line is {first}."
        )
    wanted = lines[first - 1 : arguments.end_line]
    shown = _first_lines(wanted)
    last = first + len(shown) - 1
    notes = [f"{path}, lines {first} to {last} of {len(lines)}"]
    if crlf:
        notes.append("CRLF line endings")
    if len(shown) < len(wanted):
        notes.append(f"go on with start_line {last + 1}")
    text = "".join(shown)
    if len(text.encode()) > _MAX_BYTES:
        notes.append(f"this line is cut: it has {len(text.encode()):,} bytes")
        text = text.encode()[:_MAX_BYTES].decode(errors="ignore")
    return f"{'; '.join(notes)}:\n{text}"


def _first_lines(lines: list[str]) -> list[str]:
    """Take as many lines as fit, but at least one."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode())
        if size > _MAX_BYTES and number:
            return lines[:number]
    return lines


TOOL = RunningTool(
    name="read_file",
    description=(
        f"Read a text file, or some of its lines, about {_MAX_BYTES // 1000} KB at a time. The "
        "line above the content says which lines follow, of how many; the content has no line "
        "numbers. Bytes that are no UTF-8 are shown as \N{REPLACEMENT CHARACTER}."
    ),
    arguments=ReadFile,
    effect=Effect.PURE,
    run=_run,
)

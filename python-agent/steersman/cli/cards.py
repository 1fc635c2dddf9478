"""A call that waits for approval, whole: nobody can approve what is not shown."""

import json
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len, chop_cells
from rich.text import Text

from steersman.cli.calls import Call
from steersman.cli.lettering import INDENT, Lines, indented, paragraph
from steersman.cli.lines import clock_time
from steersman.cli.untrusted import one_line, short_id, visible
from steersman.core.artifacts import internalize, references
from steersman.core.errors import SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId

_LONGEST = 72
"""A text that is longer, or of several lines, stands below its name."""

_SIGNS = {("edit_file", "old_text"): ("- ", "red"), ("edit_file", "new_text"): ("+ ", "green")}

_ANY_CONTENT = frozenset({"write_file", "edit_file"})
"""Of their calls an approval that is remembered covers all with the same path."""


class Artifacts(Protocol):
    """Where long strings of arguments are."""

    async def artifact(self, task_id: TaskId, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """An approval with its whole arguments; `missing` says why they are not whole."""

    approval: JsonObject
    arguments: JsonObject
    missing: str | None = None

    @property
    def tool(self) -> str:
        """The tool's name on one line."""
        return one_line(self.approval.get("tool"))

    @property
    def title(self) -> str:
        """The tool and what the call is about on one line, which may be long."""
        return Call("", self.tool, self.arguments).title

    @property
    def ending(self) -> str:
        """The end of the approval's id."""
        return short_id(self.approval.get("approval_id"))


async def read_whole(client: Artifacts, approval: JsonObject) -> Shown:
    """Fetch what the log keeps apart of an approval's arguments."""
    found = approval.get("arguments")
    arguments: JsonObject = found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    try:
        task_id = TaskId(str(approval.get("task_id")))
        texts = {name: await client.artifact(task_id, name) for name in references(arguments)}
        return Shown(approval, internalize(arguments, texts))
    except (SteersmanError, UnicodeDecodeError) as error:
        return Shown(approval, arguments, one_line(error))


def card(shown: Shown, width: int | None) -> Lines:
    """Return what is to be approved, to its end. `width` None: lines are as long as they are."""
    why = one_line(shown.approval.get("reason"))
    until = clock_time(shown.approval.get("expires_at"))
    about = f"task {short_id(shown.approval.get('task_id'))} · {why} · until {until}"
    head = Text.assemble(("   ? ", "bold cyan"), (f"{shown.ending}  {shown.tool}", "bold"))
    lines = [Text(), head]
    lines += paragraph(about, width, style="dim") if width else [indented(about, style="dim")]
    for name, value in shown.arguments.items():
        lines += _argument(shown.tool, one_line(name), value, width=width)
    if shown.missing:
        lines.append(indented(f"! not all of it can be shown: {shown.missing}", style="yellow"))
    return lines


def how_to_decide(shown: Shown) -> list[str]:
    """Say what may be answered about this call, and what it means."""
    if shown.missing:
        return ["it can only be refused here: n, or a reason that the model reads"]
    return [
        f"y runs it · n refuses · a runs it, and {_later(shown)} in this conversation",
        "anything else refuses, and the model reads it as the reason",
    ]


def _later(shown: Shown) -> str:
    if shown.tool in _ANY_CONTENT:
        return f"later calls that put any content into {one_line(shown.arguments.get('path'))}"
    return "this very call again"


def _argument(tool: str, name: str, value: object, *, width: int | None) -> Lines:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    texts, ended = visible(text).split("\n"), text.endswith("\n")
    texts = texts[:-1] if ended else texts
    sign, style = _SIGNS.get((tool, name), ("", ""))
    room = min((width or _LONGEST) - INDENT - cell_len(name) - 2, _LONGEST)
    if len(texts) == 1 and cell_len(texts[0]) <= room and not sign and not ended:
        return [indented(Text.assemble((f"{name}  ", "dim"), texts[0]))]
    size = f"{len(texts)} line{'' if len(texts) == 1 else 's'}"
    size += f", {len(text.encode(errors='replace')):,} bytes"
    if not ended and tool in _ANY_CONTENT:
        size += ", no line feed at its end"
    lines = [indented(f"{name}  {size}", style="dim")]
    for one in texts:
        lines += _quoted(f"{sign}{one}", style, width)
    return lines


def _quoted(line: str, style: str, width: int | None) -> Lines:
    """Return a line of a text behind an edge; where it goes on below, the edge is another."""
    room = max((width or cell_len(line) + INDENT + 2) - INDENT - 2, 2)
    parts = chop_cells(line, room) or [""]
    edges = ("│ ", *("┆ " for _ in parts[1:]))
    return [
        indented(Text.assemble((edge, "cyan"), (part, style)))
        for edge, part in zip(edges, parts, strict=True)
    ]

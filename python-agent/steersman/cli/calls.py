"""A tool call as one line, and the few lines of its outcome that are worth the space."""

import json
import math
import re
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import islice

from rich.cells import cell_len
from rich.text import Text

from steersman.cli.lettering import capped, cut, more
from steersman.cli.untrusted import one_line, visible
from steersman.core.events import JsonObject

_KEY_ARGUMENTS = {
    "list_files": ("path", "pattern"),
    "read_file": ("path",),
    "search_files": ("pattern", "path"),
    "write_file": ("path",),
    "edit_file": ("path",),
    "execute_terminal_command": ("command",),
    "read_output": ("artifact",),
    "ask_user": (),
    "finish_task": (),
}
"""What tells one call of a tool from another; other tools show all their arguments."""

_COUNTED = frozenset({"list_files", "read_file", "search_files", "read_output"})
_CHANGE_LINES = 12
_OUTPUT_LINES = 8
_QUIET_OUTPUT_LINES = 4
_RULER = re.compile(r"[\s=_*~─━-]*")
_SIGN_STYLES = {"-": "red", "+": "green", " ": "dim"}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of a thought."""

    action_id: str
    tool: str
    arguments: JsonObject = field(default_factory=dict[str, object])

    @classmethod
    def of(cls, action: JsonObject) -> "Call":
        """Read an action of `thought_recorded`."""
        arguments = action.get("arguments")
        return cls(
            str(action.get("action_id")),
            str(action.get("tool")),
            arguments if isinstance(arguments, dict) else {},  # pyright: ignore[reportUnknownArgumentType]
        )

    @classmethod
    def unseen(cls, outcome: JsonObject) -> "Call":
        """Stand in for a call whose thought was before the cursor."""
        return cls(str(outcome.get("action_id")), str(outcome.get("tool")))

    @property
    def title(self) -> str:
        """The tool and its key arguments on one line."""
        return f"{one_line(self.tool)} {self.summary}".strip()

    @property
    def summary(self) -> str:
        """The key arguments on one line."""
        names = _KEY_ARGUMENTS.get(self.tool)
        if names is None:
            return (
                one_line(json.dumps(self.arguments, ensure_ascii=False)) if self.arguments else ""
            )
        shown = [one_line(_text(self.arguments[name])) for name in names if name in self.arguments]
        return "  ".join(part for part in (*shown, self._range()) if part)

    def _range(self) -> str:
        start, end = self.arguments.get("start_line"), self.arguments.get("end_line")
        return f"{start or 1}-{end or ''}" if start or end else ""


def call_line(call: Call, outcome: JsonObject, room: int) -> Text:
    """Return mark, tool, key arguments and facts; the arguments give way when space is short."""
    mark, colour = _mark(outcome)
    facts = "  ".join(_facts(call, outcome))
    tool = one_line(call.tool)
    left = room - 2 - cell_len(tool) - 1 - (cell_len(facts) + 2 if facts else 0)
    return Text.assemble(
        (f"{mark} ", f"bold {colour}"),
        (tool, "bold"),
        f" {cut(call.summary, max(left, 8))}" if call.summary else "",
        (f"  {facts}", colour if mark != "✓" else "dim") if facts else "",
    )


def detail_lines(call: Call, outcome: JsonObject) -> list[Text]:
    """Return what the outcome has to show: a change as a diff, the end of an output, an error."""
    if outcome.get("type") == "action_failed":
        return _dimmed(_head(str(outcome.get("output") or ""), _QUIET_OUTPUT_LINES))
    if call.tool == "edit_file":
        return _change(call.arguments.get("old_text"), call.arguments.get("new_text"))
    if call.tool == "write_file":
        return _change(None, call.arguments.get("content"))
    if call.tool in _COUNTED:
        return []
    limit = _OUTPUT_LINES if outcome.get("exit_code") else _QUIET_OUTPUT_LINES
    return _dimmed(_tail(str(outcome.get("output") or ""), limit))


def duration(milliseconds: int) -> str:
    """Write a time span the way people say it."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def number(value: object) -> float:
    """Read a number that somebody sent; what is none is 0."""
    return value if isinstance(value, int | float) and math.isfinite(value) else 0


def _mark(outcome: JsonObject) -> tuple[str, str]:
    match outcome.get("type"):
        case "action_failed":
            return "✗", "red"
        case "action_interrupted":
            return "■", "yellow"
        case _:
            return ("✗", "red") if outcome.get("exit_code") else ("✓", "green")


def _facts(call: Call, outcome: JsonObject) -> list[str]:
    facts: list[str] = []
    if error := outcome.get("error"):
        facts.append(one_line(str(error)))
    if outcome.get("type") == "action_interrupted":
        facts.append(one_line(str(outcome.get("reason", ""))).replace("_", " "))
    if outcome.get("exit_code"):
        facts.append(f"exit {one_line(outcome['exit_code'])}")
    if call.tool in _COUNTED and outcome.get("type") == "action_succeeded":
        facts.append(_count(str(outcome.get("output", ""))))
    if spent := number(outcome.get("duration_ms")):
        facts.append(duration(int(spent)))
    return facts


def _count(output: str) -> str:
    lines = len(output.splitlines())
    return f"{lines} line{'' if lines == 1 else 's'}"


def _change(old: object, new: object) -> list[Text]:
    """Return a diff of two texts with a line around each change."""
    diff = unified_diff(_lines(_text(old)), _lines(_text(new)), n=1, lineterm="")
    lines = [
        Text(f"{line[0]} {line[1:]}", style=_SIGN_STYLES[line[0]])
        for line in islice(diff, 3, None)
        if not line.startswith("@@")
    ]
    if len(lines) <= _CHANGE_LINES:
        return lines
    return [*lines[: _CHANGE_LINES - 1], Text(more(len(lines) - _CHANGE_LINES + 1), "dim")]


def _text(value: object) -> str:
    """Return an argument as text; a long one stands in the log as the name of its artifact."""
    match value:
        case None:
            return ""
        case {"artifact": str(), "bytes": int(size)}:
            return f"({size:,} bytes)"
        case _:
            return str(value)


def _lines(text: str) -> list[str]:
    return visible(text).strip("\n").split("\n") if text.strip() else []


def _spoken(text: str) -> list[str]:
    """Return the lines that say something: no blank ones, no rulers."""
    return [line for line in _lines(text) if not _RULER.fullmatch(line)]


def _head(text: str, limit: int) -> list[str]:
    return capped(_spoken(text), limit)


def _tail(text: str, limit: int) -> list[str]:
    """Keep the end, where test runners and compilers say what came out."""
    lines = _spoken(text)
    return lines if len(lines) <= limit else [more(len(lines) - limit + 1), *lines[1 - limit :]]


def _dimmed(lines: list[str]) -> list[Text]:
    return [Text(line, style="dim") for line in lines]

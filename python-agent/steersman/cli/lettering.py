"""Lines of a given width: wrapped at words, indented, capped, cut."""

import re
from io import StringIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from steersman.cli.untrusted import visible

INDENT = 5

Lines = list[Text]

_HANGING = re.compile(r"\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+)?")
"""What stands before the words of a line: blanks, and the mark of a list's item."""


def wrap(text: str, width: int) -> list[str]:
    """Wrap at words by the width that characters take; an item's lines stand below its words."""
    console = Console(file=StringIO(), width=width)
    lines = visible(text).strip().split("\n")
    return [part for line in lines for part in _wrapped(line.rstrip(), width, console)]


def indented(line: str | Text, *, style: str = "", by: int = INDENT) -> Text:
    """Return a line further to the right."""
    return Text.assemble(" " * by, line if isinstance(line, Text) else (line, style))


def paragraph(text: str, width: int, *, style: str = "", by: int = INDENT) -> Lines:
    """Return a text as indented lines, wrapped so that none is cut."""
    return [indented(line, style=style, by=by) for line in wrap(text, width - by)]


def capped(lines: list[str], limit: int) -> list[str]:
    """Return the first lines, and how many more there are."""
    if len(lines) <= limit:
        return lines
    return [*lines[: limit - 1], more(len(lines) - limit + 1)]


def more(count: int) -> str:
    """Say how many lines are left out."""
    return f"… {count} more line{'' if count == 1 else 's'}"


def cut(text: str, room: int) -> str:
    """Return what fits, and that there is more."""
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, max(room - 1, 0)).rstrip() + "…"


def fit(line: Text, width: int) -> Text:
    """Cut a line in place."""
    line.truncate(width, overflow="ellipsis")
    return line


def _wrapped(line: str, width: int, console: Console) -> list[str]:
    mark = (_HANGING.match(line) or [""])[0]
    room = width - cell_len(mark)
    if room < width // 2:
        mark, room = "", width
    words = Text(line[len(mark) :]).wrap(console, room)
    below = " " * cell_len(mark)
    texts = [part.plain.rstrip() for part in words] or [""]
    return [f"{below if number else mark}{part}" for number, part in enumerate(texts)]

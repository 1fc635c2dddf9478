"""What a terminal shows: the few control sequences that the command line uses, and what is kept.

Scrollback is part of it: `lines` is everything that was ever pushed off the top, too.
"""

import re

from rich.cells import cell_len

_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
_UNKNOWN = re.compile(r"\x1b(?!\[[0-9;?]*$)")


class Screen:
    """Follow the output of a program as a terminal of this size would."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """Return all lines, without the blanks at their ends."""
        return ["".join(row).rstrip() for row in self._rows]

    def feed(self, text: str) -> None:
        """Take output; a sequence may be cut anywhere."""
        text, self._rest = self._rest + text, ""
        while text:
            if text[0] != "\x1b":
                self._put(text[0])
                text = text[1:]
            elif found := _SEQUENCE.match(text):
                self._obey(found[1], found[2])
                text = text[found.end() :]
            elif _UNKNOWN.match(text):
                raise ValueError(f"an unknown sequence: {text[:20]!r}")
            else:
                self._rest, text = text, ""

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down()
        elif character == "\b":
            self._column = max(self._column - 1, 0)
        elif cells := cell_len(character):
            if self._column + cells > self._width:
                self._column = 0
                self._down()
            row = self._rows[self._row]
            row.extend(" " * (self._column + cells - len(row)))
            row[self._column : self._column + cells] = [character, *[""] * (cells - 1)]
            self._column += cells

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])

    def _obey(self, argument: str, command: str) -> None:
        number = int(argument) if argument.isdigit() else 0
        row = self._rows[self._row]
        match command:
            case "A":
                top = max(len(self._rows) - self._height, 0)
                self._row = max(self._row - max(number, 1), top)
            case "K" if number == 2:
                row.clear()
            case "K" if number == 0:
                del row[self._column :]
            case "m" | "h" | "l":
                pass
            case _:
                raise ValueError(f"an unknown sequence: {argument}{command}")

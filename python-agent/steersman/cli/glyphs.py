"""Marks for terminals without Unicode: what they cannot show is written in ASCII."""

import codecs
import sys
from io import TextIOWrapper

_IN_ASCII = {
    "✓": "+",
    "✗": "x",
    "■": "#",
    "◆": "*",
    "┃": "|",
    "│": "|",
    "┆": ":",
    "»": ">",
    "·": "-",
    # One character for one, because the widths are reckoned by now.
    "…": "~",
}
_HANDLER = "steersman-glyphs"


def show_what_can_be_shown() -> None:
    """Let no character that the terminal's encoding lacks end the program."""
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(map(_one, lost)), error.end


def _one(character: str) -> str:
    # The spinner is a pattern of braille dots.
    return "*" if "\u2800" <= character <= "\u28ff" else _IN_ASCII.get(character, "?")

"""Text of models, tools, files and servers on its way to a terminal: seen, never obeyed."""

import re
import unicodedata

JOINERS = "\u200c\u200d"
"""They join letters and emoji in honest texts, and have no business between others."""

_EMOJI_STYLE = "\ufe0f"
_KEYCAP = "\u20e3"

_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks by their class, of which nothing can be seen."""

_SUSPECT = re.compile(f"[{JOINERS}{''.join(sorted(_BLANKS))}\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Printable, and yet to be looked at."""

_TAB = "    "


def visible(text: str) -> str:
    """Replace what a terminal would act on, or a reader could not see, by a picture of it.

    Escape sequences, other control characters but the line feed, bidirectional controls, invisible
    and unassigned characters and lone surrogates.
    """
    text = text.replace("\r\n", "\n").replace("\t", _TAB)
    if text.replace("\n", "").isprintable() and not _SUSPECT.search(text):
        return text
    around = f"\n{text}\n"
    return "".join(map(_shown, around, text, around[2:]))


def one_line(text: object) -> str:
    """Return the visible text with every run of white space as one space."""
    return " ".join(visible(str(text)).split())


def _shown(before: str, character: str, after: str) -> str:
    if character == "\n":
        return character
    if character in JOINERS:
        seen = _joins(before) and _joins(after)
    elif character == _EMOJI_STYLE:
        seen = after == _KEYCAP or _is_symbol(before)
    else:
        seen = character.isprintable() and character not in _BLANKS and not _selects(character)
    return character if seen else _picture(character)


def _joins(neighbour: str) -> bool:
    return not neighbour.isascii() and not neighbour.isspace()


def _is_symbol(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character)[0] in "SP"


def _selects(character: str) -> bool:
    """Say whether it only selects another form of the character before it."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    # Spaces of other widths are no danger, only hard to see.
    return " " if character.isspace() else f"<U+{code:04X}>"


def short_id(whole: object) -> str:
    """Return the end of an id, its random part, which every command takes for the whole."""
    return one_line(whole)[-8:]

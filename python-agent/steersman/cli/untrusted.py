"""Text of models, tools and files on its way to a terminal: seen, never obeyed."""

_JOINERS = "\u200c\u200d"
"""They join letters and emoji in honest texts and have no effect on a terminal."""

_TAB = "    "


def visible(text: str) -> str:
    """Replace what a terminal would act on, or a reader could not see, by a picture of it.

    Escape sequences, other control characters but the line feed, bidirectional controls, invisible
    and unassigned characters and lone surrogates.
    """
    text = text.replace("\r\n", "\n").replace("\t", _TAB)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        c if c == "\n" or c.isprintable() or c in _JOINERS else _picture(c) for c in text
    )


def one_line(text: str) -> str:
    """Return the visible text with every run of white space as one space."""
    return " ".join(visible(text).split())


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    # Spaces of other widths are no danger, only hard to see.
    return " " if character.isspace() else f"<U+{code:04X}>"

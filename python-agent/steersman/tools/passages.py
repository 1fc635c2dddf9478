"""Where a passage stands in a file, for answers that help a model to mend its call.

The model chooses both, so nothing here may cost more than the two are long together.
"""

import unicodedata

_MOST_LINES = 5
_LONGEST_NORMALISED = 1_000
"""Characters. Putting many combining marks in order takes the square of their number, and nothing
else in the process runs meanwhile; who writes lines that long by hand?"""


def lines_where(raw: bytes, passage: bytes) -> list[int]:
    """Return the numbers of the first few lines in which the passage begins, overlaps too."""
    lines: list[int] = []
    at = raw.find(passage)
    while at >= 0 and len(lines) < _MOST_LINES:
        lines.append(raw.count(b"\n", 0, at) + 1)
        at = raw.find(passage, at + 1)
    return lines


def similar_lines(text: str, passage: str) -> tuple[int, int] | None:
    """Find the lines that are the passage but for white space and Unicode's ways to write it."""
    wanted = [_plain(line) for line in passage.strip().split("\n")]
    if not any(wanted):
        return None
    lines = [_plain(line) for line in text.split("\n")]
    # A search in one text, because its time is linear; comparing lists at each line is not.
    before, found, _ = _joined(lines).partition(_joined(wanted))
    start = before.count("\n")
    return (start + 1, start + len(wanted)) if found else None


def _joined(lines: list[str]) -> str:
    return "\n" + "\n".join(lines) + "\n"


def _plain(line: str) -> str:
    if not line.isascii() and len(line) <= _LONGEST_NORMALISED:
        line = unicodedata.normalize("NFKC", line)
    return " ".join(line.split())

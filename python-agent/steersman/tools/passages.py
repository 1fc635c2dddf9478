"""Where a passage stands in a file, for answers that help a model to mend its call."""

import unicodedata

_MOST_LINES = 5


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
    lines = [_plain(line) for line in text.split("\n")]
    for start in range(len(lines) if any(wanted) else 0):
        if lines[start : start + len(wanted)] == wanted:
            return start + 1, start + len(wanted)
    return None


def _plain(line: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", line).split())

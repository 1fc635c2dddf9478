"""Where something stands in a TOML file, for messages: tomllib keeps no lines."""

import re
from collections.abc import Iterator

Location = tuple[str | int, ...]

_HEADER = re.compile(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"""\s*([\w."'-]+?)\s*=""")
_TABLE = re.compile(r"""\{\s*[\w"'-]+\s*=|^\s*\[\[""")
_STRING = re.compile(r"""\"[^"]*\"|'[^']*'""")
"""How an item of an array begins."""


def line_of(text: str, location: Location) -> int:
    """Find the line of a key, or of the closest table around it; numbers are places in arrays."""
    for number, part in enumerate(location):
        if isinstance(part, int):
            return _line_of_item(text, location[:number], part, location[number + 1 :])
    return _line_of_keys(text, location)


def line_in(message: str) -> int:
    """Read the line number that a message of tomllib names."""
    found = re.search(r"line (\d+)", message)
    return int(found[1]) if found else 1


def _line_of_keys(text: str, keys: Location) -> int:
    best, line = 0, 1
    for number, found in _assigned(text):
        if len(found) > best and keys[: len(found)] == found:
            best, line = len(found), number
    return line


def _assigned(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    for number, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(content):
            table = _keys(header[1])
            yield number, table
        elif assignment := _ASSIGNMENT.match(content):
            yield number, (*table, *_keys(assignment[1]))


def _line_of_item(text: str, array: Location, nth: int, rest: Location) -> int:
    """Find the nth item of an array, and in it the key `rest`."""
    first = _line_of_keys(text, array)
    others = (n for n, found in _assigned(text) if n > first and found[: len(array)] != array)
    end = next(others, len(text) + 1)
    lines = [one for one in enumerate(text.splitlines(), start=1) if first <= one[0] < end]
    begins = _TABLE if any(_TABLE.search(line) for _, line in lines) else _STRING
    items = [number for number, line in lines for _ in begins.finditer(line)]
    if nth >= len(items):
        return first
    start, after = items[nth], next((n for n in items if n > items[nth]), end)
    keys = (n for n, line in lines if start <= n < after and _has_key(line, rest))
    return next(keys, start)


def _has_key(line: str, keys: Location) -> bool:
    return any(re.search(rf"""\b{re.escape(str(key))}["']?\s*=""", line) for key in keys)


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip().strip("\"'") for key in dotted.split("."))

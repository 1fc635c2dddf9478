"""The program behind `search_files`: it runs by itself, so that a pattern can be ended.

Reads from stdin a line of JSON {pattern, seconds, matches, bytes}, then for each file a line
[name, size] and the content; prints `name:line: text` for each match. Exits with INVALID_PATTERN
after the reason. The clock that ends it is the kernel's, because nothing in Python runs while a
pattern is matched, and because its parent may have died.
"""

import json
import re
import signal
import sys
from collections.abc import Iterator
from typing import BinaryIO

INVALID_PATTERN = 3
_BEFORE_MATCH = 100
_SHOWN_CHARACTERS = 300


def main() -> int:
    """Search what stdin holds."""
    request = json.loads(sys.stdin.buffer.readline())
    signal.alarm(request["seconds"])
    try:
        pattern = re.compile(request["pattern"])
    except (re.error, RecursionError, OverflowError) as error:
        _say(f"{error or type(error).__name__}")
        return INVALID_PATTERN
    matches, room = request["matches"], request["bytes"]
    for match in _matches(pattern, sys.stdin.buffer):
        matches, room = matches - 1, room - len(match.encode(errors="replace"))
        if matches < 0 or room < 0:
            _say("(more matches are left out; make the pattern or the path narrower)")
            break
        _say(match)
    return 0


def _matches(pattern: re.Pattern[str], source: BinaryIO) -> Iterator[str]:
    while header := source.readline():
        name, size = json.loads(header)
        text = source.read(size).decode("utf-8-sig", errors="replace")
        for number, line in enumerate(text.split("\n"), 1):
            if found := pattern.search(line.removesuffix("\r")):
                yield f"{name}:{number}: {_around(line.rstrip(), found.start())}"


def _around(line: str, start: int) -> str:
    """Show the part of a long line that has the match."""
    if len(line) <= _SHOWN_CHARACTERS:
        return line
    first = max(start - _BEFORE_MATCH, 0)
    part = line[first : first + _SHOWN_CHARACTERS]
    return f"{'…' if first else ''}{part}{'…' if first + len(part) < len(line) else ''}"


def _say(line: str) -> None:
    sys.stdout.buffer.write(line.encode(errors="replace") + b"\n")


if __name__ == "__main__":
    sys.exit(main())

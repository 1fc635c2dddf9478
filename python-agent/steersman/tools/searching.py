"""The program behind `search_files`: it runs by itself, so that a pattern can be ended.

Reads from stdin a line of JSON {pattern, limit}, then for each file a line [name, size] and the
content; prints `name:line: text` for each match.
"""

import json
import re
import sys

_SHOWN_CHARACTERS = 300


def main() -> None:
    """Search what stdin holds."""
    source = sys.stdin.buffer
    request = json.loads(source.readline())
    pattern, left = re.compile(request["pattern"]), request["limit"]
    while header := source.readline():
        name, size = json.loads(header)
        lines = source.read(size).decode(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if not pattern.search(line):
                continue
            if left == 0:
                print("(more matches are left out; make the pattern or the path narrower)")
                return
            left -= 1
            print(f"{name}:{number}: {line.strip()[:_SHOWN_CHARACTERS]}", flush=True)


if __name__ == "__main__":
    main()

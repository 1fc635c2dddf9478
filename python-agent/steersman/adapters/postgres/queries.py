"""Named SQL: a `.sql` file beside the code, cut at its `-- name:` lines."""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_queries(path: Path) -> Mapping[str, str]:
    """Read the statements of a file by their names, in the file's order."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, statements = parts[1::2], parts[2::2]
    return {name: text.strip() for name, text in zip(names, statements, strict=True)}


def leave_out(statement: str, section: str) -> str:
    """Return a statement without its lines from `-- section` to `-- end section`."""
    begin, end = re.escape(f"-- {section}"), re.escape(f"-- end {section}")
    return re.sub(rf"^ *{begin}$.*?^ *{end}$\n", "", statement, flags=re.MULTILINE | re.DOTALL)

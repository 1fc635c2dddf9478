"""Globs as people write them: a name anywhere, or a path in which `**` spans folders."""

from fnmatch import fnmatchcase


def matches(path: str, pattern: str) -> bool:
    """Match `*.py` with the name, `src/*.py` or `src/**/*.py` with the whole path.

    `*`, `?` and `[…]` stay within one name and match a leading dot; `**` is any number of folders,
    also none; `src/` is everything below it.
    """
    pattern = pattern.removeprefix("./")
    if "/" not in pattern:
        return fnmatchcase(path.rpartition("/")[2], pattern)
    if pattern.endswith("/"):
        pattern += "**"
    return _match_names(path.split("/"), pattern.lstrip("/").split("/"))


def _match_names(names: list[str], patterns: list[str]) -> bool:
    """Walk all ways to match at once, so that no pattern takes more than linear time."""
    reached: set[int] = {0}
    for pattern in patterns:
        if not reached:
            return False
        if pattern == "**":
            reached = set(range(min(reached), len(names) + 1))
        else:
            within = [at for at in reached if at < len(names)]
            reached = {at + 1 for at in within if fnmatchcase(names[at], pattern)}
    return len(names) in reached

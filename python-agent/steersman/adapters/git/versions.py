"""What is read of a workspace for its history, and what a diff says of all the rest.

A diff that left something out in silence would be a place to hide. So whatever is not compared is
told in its first lines, which `git apply` and `patch` pass over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_MOST_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it is now. `mode` is git's; `content` None: it is left out of the history."""

    path: str
    mode: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Steering:
    """A file that tells git what to run. It is never kept, only whether it has changed."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class Unread:
    """There are more files than were read: so many new ones, and after `cut` also others."""

    files: int
    cut: bool


Item = Version | Steering | Unread


@dataclass(slots=True)
class Remains:
    """What was seen and is not in the history. `unread` None: there was nothing more."""

    left_out: dict[str, None] = field(default_factory=dict[str, None])
    steering: dict[str, str] = field(default_factory=dict[str, str])
    unread: Unread | None = None

    def to_json(self) -> bytes:
        """Write down what later diffs have to know of a start."""
        return json.dumps({"left_out": list(self.left_out), "steering": self.steering}).encode()

    def remarks(self, start: "Remains") -> Iterator[str]:
        """Say what a diff since `start` does not show."""
        if self.unread is not None:
            what = "some files were" if self.unread.cut else "some new files were"
            yield f"incomplete: there is too much to read; {what} not compared"
        if self.unread is not None and self.unread.files:
            yield f"incomplete: {self.unread.files:,} new files were not read"
        names = sorted(self.left_out)
        for path in names[:_MOST_NAMES]:
            yield f"left out (too large, too deep or not readable): {json.dumps(path)}"
        if len(names) > _MOST_NAMES:
            yield f"left out: {len(names) - _MOST_NAMES:,} more"
        changed = sorted(_changed(start.steering, self.steering))
        for path in changed[:_MOST_NAMES]:
            yield f"not shown: git may run what {json.dumps(path)} says, which is new or changed"
        if len(changed) > _MOST_NAMES:
            yield f"not shown: {len(changed) - _MOST_NAMES:,} more of such"


def parse_remains(raw: bytes) -> Remains:
    """Read what `to_json` wrote. Starts of before steering files were looked at are lists."""
    found: Any = json.loads(raw)
    if isinstance(found, list):
        return Remains(dict.fromkeys(cast(list[str], found)))
    return Remains(dict.fromkeys(found["left_out"]), found["steering"])


def _changed(start: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    return {path for path, digest in now.items() if start.get(path) != digest}

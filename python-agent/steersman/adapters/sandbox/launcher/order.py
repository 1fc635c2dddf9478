"""What the agent orders of a launcher: one line of JSON, then a beat now and then."""

import json
from typing import NamedTuple

LOCK_FD = 3
"""Where the command's first process finds its part of the workspace's lock."""

STATUS_FD = 4
"""Where bwrap says that the sandbox stood, and how the command in it ended."""

FILTER_FD = 5
"""Where bwrap reads which system calls it is to refuse."""


class Order(NamedTuple):
    """One command. `argv[0]` is an absolute path; `reports_status`: argv is bwrap's.

    `system_calls` is the filter that bwrap reads, in hexadecimal digits; empty when there is none.
    `state` is the workspace's directory outside of the sandbox, `record` the file for the outcome.
    `tasks` is the most processes and threads, `memory_bytes` the most memory of all of them,
    `disk_bytes` and `disk_files` how much more may come to the disk of `workspace`,
    `silence_seconds` how long the agent may send no beat.
    """

    action_id: str
    argv: list[str]
    environment: dict[str, str]
    directory: str
    reports_status: bool
    system_calls: str
    workspace: str
    state: str
    record: str
    fence: int
    timeout_seconds: float
    lock_seconds: float
    silence_seconds: float
    output_bytes: int
    kept_bytes: int
    file_bytes: int
    memory_bytes: int
    tasks: int
    disk_bytes: int
    disk_files: int

    def to_line(self) -> bytes:
        """Write the order as the launcher reads it."""
        return json.dumps(self._asdict()).encode() + b"\n"


def parse_order(line: bytes) -> Order:
    """Read an order that the agent wrote."""
    return Order(**json.loads(line))

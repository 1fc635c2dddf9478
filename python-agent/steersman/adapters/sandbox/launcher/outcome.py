"""How a command ended, as the launcher tells the agent and as it is kept for the next agent."""

import json
from typing import NamedTuple

BEGUN = b"begun\n"
"""What the launcher says before it starts a command: from then on it may have an effect."""


class Outcome(NamedTuple):
    """The facts of the exit record.

    `ended_by` is None when the command ended by itself; `supervisor_lost` says that who watched it
    was killed, so that nobody knows how far it came. `output` is cut, `output_bytes` is not.
    """

    action_id: str
    exit_code: int | None
    ended_by: str | None
    output: str = ""
    output_bytes: int = 0
    duration_ms: int = 0

    def to_json(self) -> bytes:
        """Write the record."""
        return json.dumps(self._asdict()).encode()


def parse_outcome(raw: bytes) -> Outcome:
    """Read a record. Raises ValueError or TypeError for what is none."""
    return Outcome(**json.loads(raw))

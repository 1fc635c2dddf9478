"""How a command ended, as the launcher tells the agent and as it is kept for the next agent."""

import json
from typing import NamedTuple


class Outcome(NamedTuple):
    """The facts of the exit record.

    `ended_by` is None when the command ended by itself. `output` is cut, `output_bytes` is not.
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

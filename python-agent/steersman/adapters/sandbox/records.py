"""The exit records of a workspace: what a dead agent's commands came to."""

import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from steersman.adapters.sandbox.launcher.outcome import Outcome, parse_outcome
from steersman.core.ids import ActionId
from steersman.core.tool import CommandResult

KEEP = timedelta(days=7)


def record_path(state: Path, action_id: ActionId) -> Path:
    """Return where the outcome of an action is kept."""
    return state / "records" / f"{quote(action_id, safe='')}.json"


def adopt(state: Path, action_id: ActionId) -> CommandResult | None:
    """Return how a command of an earlier agent ended; None when nobody can know.

    Call it after `take_over`: until then its launcher may be about to write.
    """
    try:
        return to_result(parse_outcome(record_path(state, action_id).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def forget_old(state: Path, keep: timedelta = KEEP) -> None:
    """Delete the records that nobody can be waiting for any more: by their age, or all of them."""
    oldest = time.time() - keep.total_seconds()
    for path in (state / "records").glob("*"):
        with suppress(FileNotFoundError):  # another process may forget it too
            if path.stat().st_mtime < oldest:
                path.unlink()


def to_result(outcome: Outcome) -> CommandResult:
    """Turn a record into what the tool gets."""
    return CommandResult(
        output=outcome.output,
        output_bytes=outcome.output_bytes,
        exit_code=outcome.exit_code,
        ended_by=outcome.ended_by,
    )

"""What codes are called where people read them."""

from collections.abc import Sequence

from steersman.cli.untrusted import one_line

CTRL_C = "Ctrl-C"
"""The reason of a stop that was asked for at the keyboard."""

FINAL_STATES = frozenset({"completed", "failed", "stopped"})

_REFUSALS = {
    "already_paused": "it was paused before",
    "not_paused": "it was not paused, so there was nothing to resume",
    "already_stopping": "it was stopping already",
    "approval_decided": "this approval was decided before",
    "approval_changed": "this is not what waits for approval",
}

_BLOCKERS = {
    "pause": "to be resumed",
    "approval": "an approval",
    "message": "an answer",
    "retry": "another try of the model",
    "child": "the tasks that it gave to others",
}


def refused(code: object) -> str:
    """Say why a command changed nothing."""
    return _REFUSALS.get(str(code), f"refused: {one_line(code)}")


def standing(state: object, waiting_for: Sequence[object]) -> str:
    """Say where a task stands and for what it waits."""
    if "pause" in waiting_for:
        others = [one for one in waiting_for if one != "pause"]
        return "paused" + (f", and waiting for {_named(others)}" if others else "")
    return one_line(state) + (f" for {_named(waiting_for)}" if waiting_for else "")


def _named(blockers: Sequence[object]) -> str:
    return " and ".join(_BLOCKERS.get(str(one), one_line(one)) for one in blockers)

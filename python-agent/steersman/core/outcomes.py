"""Outcomes of actions: of those that did not run to their end, and all in the model's words."""

from collections.abc import Collection
from typing import Literal

from steersman.core.events import (
    Action,
    ActionFailed,
    ActionInterrupted,
    ActionSucceeded,
    Event,
    Outcome,
)
from steersman.core.state import OpenAction, TaskState

AFTER_UNKNOWN = "an earlier call was cut"
CutReason = Literal["stopped", "shutdown", "outcome_unknown"]


def done(action: Action, output: str = "") -> ActionSucceeded:
    """Build the success of a call that is done by what is committed with it."""
    return ActionSucceeded(
        action_id=action.action_id,
        tool=action.tool,
        output=output,
        output_bytes=len(output.encode()),
    )


def failed_action(one: OpenAction, code: str, message: str) -> ActionFailed:
    """Build the failure of an action that did not run."""
    return ActionFailed(
        action_id=one.action.action_id,
        tool=one.action.tool,
        output=message,
        output_bytes=len(message.encode()),
        error=code,
    )


def skipped_action(one: OpenAction, why: str) -> ActionFailed:
    """Build the outcome of an action whose thought was cut before it began."""
    return failed_action(one, "skipped", f"Not run: {why}.")


def interrupted_action(one: OpenAction, reason: CutReason, output: str = "") -> ActionInterrupted:
    """Build the outcome of an action that was cut."""
    return ActionInterrupted(
        action_id=one.action.action_id, tool=one.action.tool, reason=reason, output=output
    )


def rest_of_thought(state: TaskState, outcomes: Collection[Event]) -> tuple[Event, ...]:
    """Skip what comes after a call whose outcome nobody knows: the model has to look first."""
    cut = (event.reason for event in outcomes if isinstance(event, ActionInterrupted))
    return skip_open(state, AFTER_UNKNOWN) if "outcome_unknown" in cut else ()


def skip_open(state: TaskState, why: str) -> tuple[Event, ...]:
    """Give every action that has not started its outcome."""
    return tuple(skipped_action(one, why) for one in state.open_actions if not one.started)


def outcome_text(outcome: Outcome) -> str:
    """Put an outcome into the words that the model sees."""
    output = outcome.output or "(no output)"
    match outcome:
        case ActionSucceeded():
            code = outcome.exit_code
            return output if code is None else f"exit code {code}\n{output}"
        case ActionFailed():
            return f"failed ({outcome.error}): {output}"
        case ActionInterrupted(reason="outcome_unknown"):
            return (
                "outcome unknown: the process that ran this call died. It may have had its effect, "
                f"in full or in part. Look before you do it again.\n{output}"
            )
        case ActionInterrupted():
            return f"interrupted ({outcome.reason})\n{output}"

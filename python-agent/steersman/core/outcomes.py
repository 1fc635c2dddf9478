"""Outcomes of actions that nobody ran to their end: failed, cut, or not begun."""

from typing import Literal

from steersman.core.events import ActionFailed, ActionInterrupted
from steersman.core.state import OpenAction

CutReason = Literal["stopped", "shutdown", "outcome_unknown"]


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

"""What decisions on approvals, and their absence, mean for a task. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from steersman.core.commands import DecideApproval, InboxEntry
from steersman.core.events import (
    ActionFailed,
    ActionInterrupted,
    ActionSucceeded,
    ApprovalDecided,
    ApprovalRequested,
    CommandRefused,
    Envelope,
    Event,
)
from steersman.core.ids import ApprovalId
from steersman.core.outcomes import failed_action
from steersman.core.state import OpenAction, PendingApproval, TaskState

DECIDED_BY_TIME = "steersman"
PENDING = "pending"
WITHDRAWN = "withdrawn"
"""The state of an approval whose action was skipped or whose task ended before a decision."""

_REFUSED = "A person refused this call, so it was not run"
_TOO_LATE = "Nobody approved this call in time, so it was not run. Find another way, or ask."


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """How a commit leaves an approval. `request` is set when that commit made it."""

    approval_id: ApprovalId
    state: str
    request: ApprovalRequested | None = None
    requested_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    remember: str | None = None


def decided(state: TaskState, entry: InboxEntry, wish: DecideApproval) -> tuple[Event, ...]:
    """Answer a decision. One that comes after the action was skipped finds nothing to do."""
    pending = next((one for one in state.approvals if one.approval_id == wish.approval_id), None)
    if pending is None:
        return (CommandRefused(code="approval_decided"),)
    if wish.arguments is None and wish.arguments_sha256 != pending.arguments_sha256:
        return (CommandRefused(code="approval_changed"),)
    decision = ApprovalDecided(
        approval_id=pending.approval_id,
        action_id=pending.action_id,
        decision="approved" if wish.decision == "approve" else "rejected",
        decided_by=entry.author,
        reason=wish.reason,
        arguments_sha256=wish.arguments_sha256,
        arguments=wish.arguments,
        remember=wish.remember,
    )
    if wish.decision == "approve":
        return (decision,)
    why = f": {wish.reason}" if wish.reason else "."
    return (decision, failed_action(_action_of(state, pending), "rejected", _REFUSED + why))


def expired(state: TaskState, now: datetime) -> tuple[Event, ...]:
    """Deny what nobody has decided in time."""
    events: list[Event] = []
    for pending in state.approvals:
        if pending.expires_at <= now:
            events += [
                ApprovalDecided(
                    approval_id=pending.approval_id,
                    action_id=pending.action_id,
                    decision="expired",
                    decided_by=DECIDED_BY_TIME,
                    arguments_sha256=pending.arguments_sha256,
                ),
                failed_action(_action_of(state, pending), "rejected", _TOO_LATE),
            ]
    return tuple(events)


def approval_rows(before: TaskState, envelopes: Iterable[Envelope]) -> tuple[ApprovalRow, ...]:
    """Say how events leave the approvals that stood before them or that they make."""
    rows = {one.approval_id: ApprovalRow(one.approval_id, PENDING) for one in before.approvals}
    actions = {one.action_id: one.approval_id for one in before.approvals}
    for envelope in envelopes:
        match envelope.event:
            case ApprovalRequested() as event:
                rows[event.approval_id] = ApprovalRow(
                    event.approval_id, PENDING, event, requested_at=envelope.at
                )
                actions[event.action_id] = event.approval_id
            case ApprovalDecided() as event:
                rows[event.approval_id] = replace(
                    rows[event.approval_id],
                    state=event.decision,
                    decided_by=event.decided_by,
                    decided_at=envelope.at,
                    remember=event.remember,
                )
            case ActionSucceeded() | ActionFailed() | ActionInterrupted() as outcome:
                ended = actions.get(outcome.action_id)
                if ended is not None and rows[ended].state == PENDING:
                    rows[ended] = replace(rows[ended], state=WITHDRAWN)
            case _:
                pass
    return tuple(row for row in rows.values() if row.request or row.state != PENDING)


def _action_of(state: TaskState, pending: PendingApproval) -> OpenAction:
    return next(one for one in state.open_actions if one.action.action_id == pending.action_id)

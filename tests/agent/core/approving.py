"""Approvals in random lives: which calls ask, what people decide, and what the log must say."""

from collections.abc import Sequence

from steersman.core.approvals import ApprovalPolicy, RiskRule, Ruling, arguments_sha256
from steersman.core.commands import DecideApproval
from steersman.core.events import (
    ActionFailed,
    ActionInterrupted,
    ActionStarted,
    ActionSucceeded,
    ApprovalDecided,
    ApprovalRequested,
    Envelope,
)
from steersman.core.state import PendingApproval

RULES = tuple(
    RiskRule(tool=tool, argument="name", matches="^ask", then=ApprovalPolicy.ALWAYS)
    for tool in ("look", "run", "write")
)


def decision_on(pending: PendingApproval, what: str) -> tuple[DecideApproval, Ruling]:
    """Approve, reject or edit a call."""
    edited = {"name": "edited"} if what == "edit" else None
    wish = DecideApproval(
        approval_id=pending.approval_id,
        decision="reject" if what == "reject" else "approve",
        arguments_sha256=arguments_sha256(edited) if edited else pending.arguments_sha256,
        arguments=edited,
    )
    return wish, Ruling(pending.approval_id, pending.arguments_sha256, None, {})


def rows_of(log: Sequence[Envelope]) -> dict[str, str]:
    """Return what became of each approval; nothing that was asked for may run without a yes."""
    asked: dict[str, str] = {}
    rows: dict[str, str] = {}
    for envelope in log:
        match envelope.event:
            case ApprovalRequested() as event:
                asked[event.action_id] = event.approval_id
                rows[event.approval_id] = "pending"
            case ApprovalDecided() as event:
                assert rows[event.approval_id] == "pending"
                rows[event.approval_id] = event.decision
            case ActionStarted() | ActionSucceeded() as event:
                approval_id = asked.get(event.action_id)
                assert approval_id is None or rows[approval_id] == "approved"
            case ActionFailed() | ActionInterrupted() as event:
                if (approval_id := asked.get(event.action_id)) and rows[approval_id] == "pending":
                    rows[approval_id] = "withdrawn"
            case _:
                pass
    return rows

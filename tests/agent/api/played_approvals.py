"""A stand-in for approvals: one that is pending, and what was decided on it."""

from steersman.api.examples import APPROVAL
from steersman.core.approval_desk import ApprovalFilter, Approvals
from steersman.core.commands import DecideApproval
from steersman.core.errors import ApprovalDecided, ApprovalNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import ApprovalId, OwnerId
from steersman.core.ports import Page


class PlayedApprovals(Approvals):
    """The approval of the API's examples, decided once."""

    def __init__(self) -> None:
        self.asked: list[ApprovalFilter] = []
        self.decided: list[DecideApproval] = []

    async def get(self, approval_id: ApprovalId, owner_id: OwnerId) -> JsonObject:
        if approval_id != APPROVAL["approval_id"]:
            raise ApprovalNotFound
        return APPROVAL

    async def list(self, query: ApprovalFilter) -> Page:
        self.asked.append(query)
        return Page((APPROVAL,), None)

    async def decide(
        self, wish: DecideApproval, owner_id: OwnerId, *, command_id: str | None = None
    ) -> JsonObject:
        await self.get(ApprovalId(wish.approval_id), owner_id)
        if self.decided:
            raise ApprovalDecided
        self.decided.append(wish)
        return {
            "command_id": command_id or "made",
            "approval_id": wish.approval_id,
            "task_id": APPROVAL["task_id"],
            "state": "approved" if wish.decision == "approve" else "rejected",
        }

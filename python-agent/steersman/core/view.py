"""What readers get of a task: a projection of its state of at most 16 KB."""

from steersman.core.events import JsonObject, PlanItem, format_time
from steersman.core.state import Child, PendingApproval, TaskState
from steersman.core.text import cut_for_json, head_and_tail

_TEXT_LIMIT_BYTES = 4_000
"""Goal, result, question and error message, as JSON writes them; the log has them whole."""

_REASON_LIMIT_BYTES = 120
_MOST_CHILDREN = 24
"""The newest; all of them are in the tree."""


def task_view(state: TaskState) -> JsonObject:
    """Return the view of docs/contract.md, but for `size_bytes`, which the store adds."""
    return {
        "task_id": state.task_id,
        "root_id": state.root_id,
        "parent_id": state.parent_id,
        "conversation_id": state.conversation_id,
        "owner_id": state.owner_id,
        "role": state.role,
        "goal": _cut(state.goal),
        "state": state.phase.value,
        "waiting_for": [blocker.value for blocker in state.blockers],
        "seq": state.seq,
        "epoch": state.epoch,
        "step": state.step,
        "result": _cut(state.ending.result if state.ending else None),
        "error": _error(state),
        "plan": [_planned(item) for item in state.plan],
        "children": [_child(child) for child in state.children[-_MOST_CHILDREN:]],
        "pending_approvals": [_pending(one) for one in state.approvals],
        "question": _cut(state.question.text if state.question else None),
        "limits": state.limits.model_dump(mode="json"),
        "spent": state.spent.model_dump(mode="json"),
        "workspace": state.workspace,
        "created_at": format_time(state.created_at),
        "updated_at": format_time(state.updated_at),
    }


def _pending(approval: PendingApproval) -> JsonObject:
    """Return all but the arguments, which `GET /approvals` and the log have."""
    kept = approval.model_dump(mode="json", exclude={"expires_at"})
    kept["reason"] = head_and_tail(approval.reason, _REASON_LIMIT_BYTES)
    return {**kept, "expires_at": format_time(approval.expires_at)}


def _planned(item: PlanItem) -> JsonObject:
    return {"text": cut_for_json(item.text, _REASON_LIMIT_BYTES), "state": item.state}


def _child(child: Child) -> JsonObject:
    return {"task_id": child.task_id, "role": child.role, "state": child.state}


def _error(state: TaskState) -> JsonObject | None:
    if state.ending is None or state.ending.code is None:
        return None
    return {"code": state.ending.code, "message": _cut(state.ending.message)}


def _cut(text: str | None) -> str | None:
    return None if text is None else cut_for_json(text, _TEXT_LIMIT_BYTES)

"""One task, as the examples of the OpenAPI document tell it."""

import json

from steersman.api.requests import EXAMPLE_ID, EXAMPLE_SHA256
from steersman.core.events import JsonObject

_CONVERSATION_ID = "019a5c3e-7a0f-7d52-8c11-2b9f6a1e0d44"
_ACTION_ID = "019a5c3e-9b20-7e11-a3d4-6f7081920a5b"
_AT = "2026-01-05T09:30:00.000Z"
DIGEST = EXAMPLE_SHA256

ACCEPTED: JsonObject = {
    "task_id": EXAMPLE_ID,
    "conversation_id": _CONVERSATION_ID,
    "seq": 1,
    "state": "queued",
}
COMMAND_ACCEPTED: JsonObject = {"command_id": _ACTION_ID, "state": "running"}

VIEW: JsonObject = {
    "task_id": EXAMPLE_ID,
    "root_id": EXAMPLE_ID,
    "parent_id": None,
    "conversation_id": _CONVERSATION_ID,
    "owner_id": "local",
    "role": "developer",
    "goal": "Make the failing tests pass",
    "state": "running",
    "waiting_for": [],
    "seq": 4,
    "epoch": 1,
    "step": 1,
    "result": None,
    "error": None,
    "plan": [],
    "children": [],
    "pending_approvals": [],
    "question": None,
    "limits": {
        "max_steps": 50,
        "max_tokens": None,
        "max_cost_usd": None,
        "max_seconds": 3600,
    },
    "spent": {
        "steps": 1,
        "input_tokens": 1200,
        "output_tokens": 40,
        "cost_usd": 0.0009,
        "seconds": 2.5,
    },
    "workspace": "shop",
    "created_at": _AT,
    "updated_at": _AT,
    "size_bytes": 900,
}

CONVERSATION: JsonObject = {
    "conversation_id": _CONVERSATION_ID,
    "title": "The shop",
    "archived": False,
    "active_task_id": EXAMPLE_ID,
    "task_count": 3,
    "created_at": _AT,
    "updated_at": _AT,
}

TREE: JsonObject = {"task": VIEW, "children": []}

OVERVIEW: JsonObject = {
    "tasks": {"queued": 1, "running": 2, "waiting": 1},
    "pending_approvals": 1,
    "spent_today": {
        "since": "2026-01-05T00:00:00.000Z",
        "input_tokens": 41000,
        "output_tokens": 5200,
        "cost_usd": 0.31,
    },
}

APPROVAL: JsonObject = {
    "approval_id": EXAMPLE_ID,
    "task_id": EXAMPLE_ID,
    "root_id": EXAMPLE_ID,
    "role": "developer",
    "tool": "execute_terminal_command",
    "arguments": {"command": "git push"},
    "arguments_sha256": EXAMPLE_SHA256,
    "reason": "command matches git push",
    "state": "pending",
    "requested_at": _AT,
    "expires_at": "2026-01-05T10:00:00.000Z",
    "decided_by": None,
    "decided_at": None,
    "remember": None,
}
APPROVAL_RULED: JsonObject = {
    "command_id": _ACTION_ID,
    "approval_id": EXAMPLE_ID,
    "task_id": EXAMPLE_ID,
    "state": "approved",
}

EVENT: JsonObject = {
    "type": "action_succeeded",
    "task_id": EXAMPLE_ID,
    "seq": 4,
    "at": _AT,
    "epoch": 1,
    "action_id": _ACTION_ID,
    "tool": "list_files",
    "output": "shop/cart.py",
    "output_bytes": 12,
    "truncated": False,
    "duration_ms": 3,
}
EVENT_PAGE: JsonObject = {"events": [EVENT], "next_after": 4, "final": False}
EVENT_STREAM = f"id: 4\nevent: action_succeeded\ndata: {json.dumps(EVENT)}\n\n"

FILES: JsonObject = {
    "files": [{"path": "shop/cart.py", "bytes": 812, "modified_at": _AT}],
    "truncated": False,
}
DIFF = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\n-total = 0\n+total = 1\n"
STORED: JsonObject = {"workspace": "shop", "files": 12, "bytes": 20480}

ROLES: JsonObject = {
    "items": [
        {
            "role": "developer",
            "description": "You change code until the goal is met.",
            "model": "openai/NAME",
            "tools": ["read_file", "finish_task"],
            "limits": VIEW["limits"],
            "default": True,
        }
    ]
}
TOOLS: JsonObject = {
    "items": [
        {
            "tool": "read_file",
            "description": "Read a text file.",
            "effect": "pure",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
        }
    ]
}
HEALTH: JsonObject = {
    "status": "ok",
    "agent_status": "IDLE",
    "active_task": None,
    "active_tasks": [],
    "roles": ["developer", "tester"],
    "capacity": 4,
    "checks": {"database": {"status": "ok", "detail": None}},
}

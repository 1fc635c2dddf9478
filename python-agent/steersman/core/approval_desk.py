"""What people can do with approvals: see them, and decide each of them once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from steersman.core.approvals import Ruling, arguments_sha256, sameness
from steersman.core.artifacts import externalize
from steersman.core.commands import DecideApproval, request_hash
from steersman.core.errors import Invalid
from steersman.core.events import JsonObject
from steersman.core.ids import ApprovalId, CommandId, OwnerId, TaskId
from steersman.core.ports import Page, Posting
from steersman.core.replies import invalid_arguments, parse_arguments
from steersman.core.tasks import Tasks
from steersman.core.tool import Tool


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals to list, newest first. An empty `states` means all."""

    owner_id: OwnerId
    states: tuple[str, ...] = ()
    root_id: TaskId | None = None
    limit: int = 50
    cursor: str | None = None


class ApprovalStore(Protocol):
    """Read approvals as of the last commit. Raises StoreUnavailable."""

    async def approval(self, approval_id: ApprovalId, owner_id: OwnerId) -> JsonObject:
        """Read one; raises ApprovalNotFound, also for other people's."""
        ...

    async def list(self, query: ApprovalFilter) -> Page: ...


class Approvals:
    """All that can be asked of approvals. `owner_id` is always the asker."""

    def __init__(self, store: ApprovalStore, tasks: Tasks, tools: Mapping[str, Tool]) -> None:
        self._store = store
        self._tasks = tasks
        self._tools = tools

    async def get(self, approval_id: ApprovalId, owner_id: OwnerId) -> JsonObject:
        """Return one approval."""
        return await self._store.approval(approval_id, owner_id)

    async def list(self, query: ApprovalFilter) -> Page:
        """Return one page, newest first."""
        return await self._store.list(query)

    async def decide(
        self, wish: DecideApproval, owner_id: OwnerId, *, command_id: str | None = None
    ) -> JsonObject:
        """Take a decision; `arguments_sha256` is of what was shown.

        Returns {command_id, approval_id, task_id, state}. Raises ApprovalNotFound,
        ApprovalDecided, ApprovalChanged, Invalid for edited arguments, and what `Tasks.post` does.
        """
        approval_id = ApprovalId(wish.approval_id)
        shown = await self._store.approval(approval_id, owner_id)
        runs, artifacts = self._edited(wish, shown["tool"])
        kept: JsonObject = shown["arguments"] if runs.arguments is None else runs.arguments
        tool = self._tools.get(shown["tool"])
        what = sameness(kept, tool.same_by if tool else ())
        remembers = wish.remember is not None and wish.decision == "approve"
        posting = Posting(
            task_id=TaskId(shown["task_id"]),
            owner_id=owner_id,
            command_id=CommandId(command_id or self._tasks.new_command_id()),
            request_hash=request_hash(wish.model_dump(mode="json")),
            command=runs,
            ruling=Ruling(
                approval_id, wish.arguments_sha256, what if remembers else None, artifacts
            ),
        )
        return await self._tasks.deliver(posting)

    def _edited(self, wish: DecideApproval, name: str) -> tuple[DecideApproval, dict[str, bytes]]:
        """Return the decision as the inbox keeps it, checked like a call of the model."""
        if wish.arguments is None:
            return wish, {}
        tool = self._tools.get(name)
        if wish.decision == "reject" or tool is None:
            raise Invalid("arguments: only a call that is approved can be edited.")
        if parse_arguments(json.dumps(wish.arguments)) != wish.arguments:
            raise Invalid("arguments: the log cannot hold them (NUL, NaN, nested too deeply).")
        if wrong := invalid_arguments(tool, wish.arguments):
            raise Invalid(f"arguments: {wrong}")
        (kept,), artifacts = externalize([wish.arguments])
        if kept is None:
            raise Invalid("arguments: too large beside their strings.")
        sha256 = arguments_sha256(wish.arguments)
        return wish.model_copy(update={"arguments": kept, "arguments_sha256": sha256}), artifacts

"""Events of a task that did not happen, and a client that plays them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from steersman.cli.lines import FINAL_TYPES
from steersman.core.commands import AddMessage, Command, DecideApproval, StopTask
from steersman.core.errors import NotFound, TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from steersman.core.new_task import NewTask
from steersman.core.ports import Page

TASK_ID = TaskId("01997a3e-1111-7abc-8def-0123456789ab")


def event(kind: str, **fields: Any) -> JsonObject:
    return {"type": kind, "task_id": TASK_ID, "seq": 0, "epoch": 1, **fields}


def numbered(*events: JsonObject) -> list[JsonObject]:
    return [{**wire, "seq": number} for number, wire in enumerate(events, start=1)]


def thought(step: int, text: str, *calls: tuple[str, JsonObject]) -> JsonObject:
    actions = [
        {"action_id": f"{step}.{n}", "tool": tool, "arguments": arguments}
        for n, (tool, arguments) in enumerate(calls)
    ]
    return event("thought_recorded", step=step, text=text, actions=actions)


def succeeded(action_id: str, tool: str, output: str = "", **fields: Any) -> JsonObject:
    return event("action_succeeded", action_id=action_id, tool=tool, output=output, **fields)


def failed(action_id: str, tool: str, error: str, output: str) -> JsonObject:
    return event("action_failed", action_id=action_id, tool=tool, error=error, output=output)


def delta(text: str, offset: int, *, step: int = 1, epoch: int = 1) -> JsonObject:
    return {"type": "delta", "epoch": epoch, "step": step, "offset": offset, "text": text}


SUBMITTED = event("task_submitted", goal="Mend it", role="developer", workspace="shop")
COMPLETED = event("task_completed", result="Mended.")


class PlayedClient:
    """Plays a log. It waits after a question for a message, and at `endless` for a stop."""

    def __init__(self, *log: JsonObject, endless: bool = False, ids: Sequence[str] = ()) -> None:
        self.notes: Sequence[str] = ()
        self.posted: list[Command] = []
        self.submitted: list[tuple[NewTask, str | None]] = []
        self._log = numbered(*log)
        self._endless = endless
        self._ids = ids
        self._answered = asyncio.Event()
        self._stopped = asyncio.Event()

    async def submit(self, request: NewTask, *, directory: str | None = None) -> JsonObject:
        self.submitted.append((request, directory))
        return {"task_id": TASK_ID, "conversation_id": "c", "seq": 1, "state": "queued"}

    async def post(self, task_id: TaskId, command: Command) -> JsonObject:
        assert task_id == TASK_ID
        self.posted.append(command)
        match command:
            case AddMessage():
                self._answered.set()
            case StopTask():
                self._stopped.set()
        return {}

    async def view(self, task_id: TaskId, *, min_seq: int = 0) -> JsonObject:
        if task_id != TASK_ID:
            raise TaskNotFound
        last = self._log[-1] if self._log else {}
        state = str(last.get("type", "queued")).removeprefix("task_")
        return {
            "task_id": task_id,
            "goal": "Mend it",
            "role": "developer",
            "state": state,
            "step": 1,
            "result": last.get("result"),
            "created_at": "2026-11-24T14:00:00.000Z",
            "spent": {"steps": 1, "input_tokens": 2000, "output_tokens": 30, "seconds": 4.25},
        }

    async def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Page:
        start = int(cursor or 0)
        found = [{"task_id": task_id} for task_id in self._ids[start : start + 2]]
        more = start + 2 < len(self._ids)
        return Page(tuple(found), str(start + 2) if more else None)

    async def watch(self, task_id: TaskId, *, after: int = 0) -> AsyncGenerator[JsonObject]:
        for wire in self._log[after:]:
            yield wire
            if wire["type"] in {"question_asked", "approval_requested"}:
                await self._answered.wait()
            if wire["type"] in FINAL_TYPES:
                return
        if self._endless:
            await self._stopped.wait()
            yield event("task_stopped", by="local", reason="Ctrl-C")

    async def approvals(self, *, states: Sequence[str] = (), limit: int = 50) -> Page:
        asked = [wire for wire in self._log if wire["type"] == "approval_requested"]
        return Page(tuple({**wire, "state": "pending"} for wire in asked), None)

    async def conversations(self, *, archived: bool = False, limit: int = 50) -> Page:
        return Page(tuple({"conversation_id": each} for each in self._ids), None)

    async def delete(self, task_id: TaskId) -> None:
        await self.view(task_id)

    async def decide(self, wish: DecideApproval) -> JsonObject:
        self.posted.append(wish)
        self._answered.set()
        return {"task_id": TASK_ID, "state": f"{wish.decision}d"}

    async def artifact(self, task_id: TaskId, name: str) -> bytes:
        raise NotFound("There is no artifact by that name.")

    def attend(self, task_id: TaskId) -> AbstractAsyncContextManager[None]:
        return nullcontext()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part

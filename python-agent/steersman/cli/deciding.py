"""Ask the person at the terminal for the decisions that a task waits for, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

from steersman.cli.client import TaskClient
from steersman.core.commands import DecideApproval
from steersman.core.errors import SteersmanError
from steersman.core.events import JsonObject

_HOW = "y approves, a also the same calls later, anything else refuses with it as the reason"


class Terminal(Protocol):
    """What is used of the live view."""

    def note(self, text: str) -> None: ...

    def suspended(self) -> AbstractContextManager[None]: ...


class ApprovalPrompt:
    """The approvals of a task that are pending, and the question that is open about the first."""

    def __init__(
        self, client: TaskClient, terminal: Terminal, read: Callable[[], Awaitable[str | None]]
    ) -> None:
        self._client = client
        self._terminal = terminal
        self._read = read
        self._pending: dict[str, JsonObject] = {}
        self._asking: asyncio.Task[None] | None = None

    def take(self, wire: JsonObject, group: asyncio.TaskGroup) -> None:
        """Follow one event: ask about what is new, ask no more about what is decided."""
        match wire.get("type"):
            case "approval_requested":
                self._pending[wire["action_id"]] = wire
            case "approval_decided" | "action_failed" | "action_interrupted":
                if self._pending.pop(wire["action_id"], None) is None:
                    return
                self.close()
            case _:
                return
        if self._pending and self._asking is None:
            self._asking = group.create_task(self._ask(next(iter(self._pending.values()))))

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, request: JsonObject) -> None:
        self._terminal.note(_HOW)
        with self._terminal.suspended():
            text = await self._read()
        if text is None:
            self._terminal.note("not decided here; the task waits")
            return
        try:
            await self._client.decide(verdict(request, text))
        except SteersmanError as error:
            self._terminal.note(str(error))


def verdict(request: JsonObject, text: str) -> DecideApproval:
    """Turn what was typed into a decision on what was shown."""
    approves = text.lower() in {"y", "yes", "a"}
    return DecideApproval(
        approval_id=request["approval_id"],
        decision="approve" if approves else "reject",
        arguments_sha256=request["arguments_sha256"],
        reason=None if approves or text.lower() in {"n", "no"} else text[:2_000],
        remember="conversation" if text.lower() == "a" else None,
    )

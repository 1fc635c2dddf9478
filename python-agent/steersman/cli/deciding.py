"""Ask the person at the terminal for the decisions that a task waits for, one after the other.

What is asked about stands whole above its own prompt, and nothing typed before it was there counts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from rich.text import Text

from steersman.cli.cards import Shown, card, how_to_decide, read_whole
from steersman.cli.client import TaskClient
from steersman.cli.lettering import cut, paragraph
from steersman.core.commands import DecideApproval
from steersman.core.errors import SteersmanError
from steersman.core.events import JsonObject

_YES = frozenset({"y", "yes", "a"})


class Terminal(Protocol):
    """What is used of the live view."""

    @property
    def width(self) -> int: ...

    def note(self, text: str) -> None: ...

    def say(self, lines: Sequence[Text]) -> None: ...

    def suspended(self) -> AbstractContextManager[None]: ...


class ApprovalPrompt:
    """The approvals of a task that are pending, and the question that is open about the first.

    `read` shows a prompt and returns what is typed from then on.
    """

    def __init__(
        self,
        client: TaskClient,
        terminal: Terminal,
        read: Callable[[str], Awaitable[str | None]],
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
        shown = await read_whole(self._client, request)
        width = self._terminal.width
        how = [
            line for text in how_to_decide(shown) for line in paragraph(text, width, style="dim")
        ]
        self._terminal.say([*card(shown, width), *how])
        with self._terminal.suspended():
            text = await self._typed(shown)
        if text is None:
            how = f"steersman approve {shown.ending}, or reject"
            self._terminal.note(f"not decided here; the task waits for: {how}")
            return
        try:
            await self._client.decide(verdict(request, text))
        except SteersmanError as error:
            self._terminal.note(str(error))

    async def _typed(self, shown: Shown) -> str | None:
        # What it is about once more: a long text has pushed the card's head off the screen.
        about = cut(shown.title, self._terminal.width // 2)
        prompt = f"     {shown.ending} {about}? > "
        text = await self._read(prompt)
        while shown.missing and text is not None and _approves(text):
            text = await self._read(
                f"     not all of it was shown; n, or a reason. {prompt.strip()} "
            )
        return text


def verdict(request: JsonObject, text: str) -> DecideApproval:
    """Turn what was typed into a decision on what was shown."""
    approves = _approves(text)
    return DecideApproval(
        approval_id=request["approval_id"],
        decision="approve" if approves else "reject",
        arguments_sha256=request["arguments_sha256"],
        reason=None if approves or text.lower() in {"n", "no"} else text[:2_000],
        remember="conversation" if text.lower() == "a" else None,
    )


def _approves(text: str) -> bool:
    return text.lower() in _YES

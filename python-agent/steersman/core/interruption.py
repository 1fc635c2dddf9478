"""What may interrupt a run: commands in the inbox, the end of its time, the process's shutdown."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

from steersman.core.commands import AddMessage, Command, InboxEntry, PauseTask, StopTask
from steersman.core.errors import StoreUnavailable
from steersman.core.ledger import Ledger, inbox_topic
from steersman.core.ports import Hints

_POLL_SECONDS = 1.0
_CUT_THOUGHTS = (AddMessage, PauseTask, StopTask)


@dataclass(frozen=True, slots=True)
class Shutdown:
    """A process's wish to end. `asked`: start nothing new; `over`: the tools' grace has ended."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Interruption:
    """Notice what arrives for a task while its worker is busy with a model or a tool."""

    def __init__(self, ledger: Ledger, hints: Hints, shutdown: Shutdown) -> None:
        self._ledger = ledger
        self._hints = hints
        self._shutdown = shutdown
        self._wake = asyncio.Event()
        self._look_by = _now() + _POLL_SECONDS
        self._unlisten: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        topic = inbox_topic(self._ledger.state.task_id)
        self._unlisten = self._hints.listen(topic, self._wake.set)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._unlisten:
            self._unlisten()

    async def commands_wait(self) -> bool:
        """Say whether commands wait for an answer. Without a hint the inbox is read each second."""
        if self._wake.is_set() or _now() >= self._look_by:
            await self._look()
        return self._ledger.has_unanswered

    async def cut(self, cut: asyncio.Event, remaining: timedelta) -> None:
        """Cut a model call on what changes its task, on shutdown, and when the time is up."""
        await self._first(self._command(*_CUT_THOUGHTS), self._shutdown.asked, remaining)
        cut.set()

    async def end_of_tools(self, remaining: timedelta) -> None:
        """Return when running tools must end: on a stop, after the grace, at the end of time."""
        await self._first(self._command(StopTask), self._shutdown.over, remaining)

    async def _command(self, *kinds: type[Command]) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._look_by):
                    await self._wake.wait()
            try:
                entries = await self._look()
            except StoreUnavailable:
                continue  # the next commit will say so if it lasts
            if any(isinstance(one.command, kinds) for one in entries):
                return

    async def _look(self) -> tuple[InboxEntry, ...]:
        self._wake.clear()
        self._look_by = _now() + _POLL_SECONDS
        try:
            return await self._ledger.look()
        except asyncio.CancelledError:
            self._wake.set()  # the model or tool ended first: what the hint told of is unread
            raise

    async def _first(
        self, command: Coroutine[None, None, None], event: asyncio.Event, remaining: timedelta
    ) -> None:
        async with asyncio.TaskGroup() as group:
            waits = (group.create_task(command), group.create_task(event.wait()))
            seconds = remaining.total_seconds()
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Watch a task to its end: show it, answer its questions, stop it at the first Ctrl-C."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.text import Text

from steersman.cli.client import TaskClient
from steersman.cli.deciding import ApprovalPrompt
from steersman.cli.untrusted import one_line, short_id
from steersman.cli.words import CTRL_C
from steersman.core.commands import MAX_TEXT_CHARACTERS, AddMessage, StopTask
from steersman.core.errors import SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId

EXIT_CODES = {"task_completed": 0, "task_failed": 1, "task_stopped": 3}
LEFT = 130
"""The exit code when the person left and the task goes on: that of a program ended by Ctrl-C."""


class Presenter(Protocol):
    """Where events go."""

    @property
    def width(self) -> int: ...

    def show(self, wire: JsonObject) -> None: ...

    def note(self, text: str) -> None: ...

    def say(self, lines: Sequence[Text]) -> None: ...

    def finish(self, view: JsonObject) -> None: ...

    def suspended(self) -> AbstractContextManager[None]:
        """Leave the terminal to the person who types."""
        ...


class Keys(Protocol):
    """Where answers come from."""

    async def read(self, prompt: str, *, pasted: bool = False) -> str | None:
        """Show a prompt and return what is typed from then on, None at the end of the input."""
        ...


class JsonLines:
    """One event per line on stdout, nothing else; remarks go to stderr."""

    width = 80

    def show(self, wire: JsonObject) -> None:
        if wire.get("type") != "delta":
            # ASCII: nothing in it can act on a terminal.
            sys.stdout.write(json.dumps(wire) + "\n")
            sys.stdout.flush()

    def note(self, text: str) -> None:
        sys.stderr.write(f"steersman: {one_line(text)}\n")

    def say(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self.note(line.plain)

    def finish(self, view: JsonObject) -> None:
        pass

    def suspended(self) -> AbstractContextManager[None]:
        return nullcontext()


class Follower:
    """One task being watched. `stops`: Ctrl-C stops it first; `keys`: who is asked, if anybody."""

    def __init__(
        self, client: TaskClient, presenter: Presenter, *, stops: bool, keys: Keys | None = None
    ) -> None:
        self._client = client
        self._presenter = presenter
        self._stops = stops
        self._keys = keys
        self._asking: asyncio.Task[None] | None = None
        self._approvals = ApprovalPrompt(client, presenter, keys.read) if keys else None
        self._stopping = False

    async def follow(self, task_id: TaskId, *, after: int = 0) -> int:
        """Show the task until it ends or the person leaves. Returns the exit code."""
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch(group, task_id, after))
                with _on_signals(lambda number: self._interrupt(group, watching, task_id, number)):
                    await asyncio.wait({watching})
                self._end_asking()
        except ExceptionGroup as errors:
            raise _first(errors) from None
        if watching.cancelled():
            self._presenter.note(f"left; come back with: steersman watch {short_id(task_id)}")
            return LEFT
        return watching.result()

    async def _watch(self, group: asyncio.TaskGroup, task_id: TaskId, after: int) -> int:
        last: JsonObject = {}
        async for wire in self._client.watch(task_id, after=after):
            self._presenter.show(wire)
            if wire.get("type") == "delta":
                continue
            last = wire
            if self._keys is not None:
                self._ask_about(wire, group, self._keys)
        self._presenter.finish(await self._client.view(task_id, min_seq=last.get("seq", 0)))
        return EXIT_CODES.get(str(last.get("type")), 1)

    def _interrupt(
        self, group: asyncio.TaskGroup, watching: asyncio.Task[int], task_id: TaskId, number: int
    ) -> None:
        if number != signal.SIGINT or self._stopping or not self._stops:
            watching.cancel()
            return
        self._stopping = True
        self._end_asking()
        self._presenter.note("stopping; Ctrl-C again leaves the task as it is")
        group.create_task(self._stop(task_id))

    async def _stop(self, task_id: TaskId) -> None:
        try:
            await self._client.post(task_id, StopTask(reason=CTRL_C))
        except SteersmanError as error:
            self._presenter.note(f"could not be stopped: {error}")

    def _ask_about(self, wire: JsonObject, group: asyncio.TaskGroup, keys: Keys) -> None:
        if self._approvals is not None:
            self._approvals.take(wire, group)
        if wire.get("type") == "question_asked":
            self._asking = group.create_task(self._ask(TaskId(wire["task_id"]), keys))
        elif wire.get("type") in {"message_added", "action_interrupted"}:
            self._end_asking()

    async def _ask(self, task_id: TaskId, keys: Keys) -> None:
        with self._presenter.suspended():
            text = await keys.read("   > ", pasted=True)
        if text is None:
            how = f'steersman say {short_id(task_id)} "…"'
            self._presenter.note(f"not answered here; the task waits for: {how}")
            return
        await self._client.post(task_id, AddMessage(text=text[:MAX_TEXT_CHARACTERS]))

    def _end_asking(self) -> None:
        if self._approvals is not None:
            self._approvals.close()
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


@contextmanager
def _on_signals(handle: Callable[[int], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first  # pyright: ignore[reportUnknownArgumentType]

"""`stop`, `pause`, `resume`, `say`: tell a task something, and say what became of it."""

import asyncio

from pydantic import ValidationError
from rich.text import Text

from steersman.cli.client import TaskClient, find_task, open_client
from steersman.cli.printing import Printer
from steersman.cli.untrusted import short_id
from steersman.cli.words import FINAL_STATES, refused
from steersman.core.commands import AddMessage, Command, PauseTask, ResumeTask, StopTask
from steersman.core.errors import Invalid, TaskEnded
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from steersman.settings import Settings

_PATIENCE_SECONDS = 5
"""A worker answers at once, unless it is not there any more."""

_DONE = {
    "task_paused": "Paused. Let it go on with: steersman resume {id}",
    "task_resumed": "Resumed. Follow with: steersman watch {id}",
    "message_added": "Sent. Follow with: steersman watch {id}",
    "stop_requested": "Stopping. See it end with: steersman watch {id}",
}
_UNANSWERED = "Sent; whoever works on it has not answered yet. Follow with: steersman watch {id}"


async def stop_task(text: str, settings: Settings, *, reason: str | None) -> int:
    """Ask a task to stop. It stops as soon as whoever works on it sees this."""
    try:
        command = StopTask(reason=reason)
    except ValidationError as error:
        raise Invalid(f"--reason: {error.errors(include_url=False)[0]['msg']}") from None
    return await _tell(text, command, settings)


async def pause_task(text: str, settings: Settings) -> int:
    """Ask a task to begin nothing more."""
    return await _tell(text, PauseTask(), settings)


async def resume_task(text: str, settings: Settings) -> int:
    """Let a paused task go on."""
    return await _tell(text, ResumeTask(), settings)


async def say_to_task(text: str, words: str, settings: Settings) -> int:
    """Send a message, which answers the task's question if it has one."""
    try:
        message = AddMessage(text=words)
    except ValidationError as error:
        raise Invalid(f"text: {error.errors(include_url=False)[0]['msg']}") from None
    return await _tell(text, message, settings)


async def _tell(text: str, command: Command, settings: Settings) -> int:
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        said = await tell(client, task_id, command)
    Printer.of_stdout().say([Text(said)])
    return 0


async def tell(client: TaskClient, task_id: TaskId, command: Command) -> str:
    """Post a command and wait until it is answered. Returns what became of it."""
    before = await client.view(task_id)
    try:
        answer = await client.post(task_id, command)
    except TaskEnded as error:
        raise TaskEnded(_how_to_go_on(before) or str(error)) from None
    if before["state"] in FINAL_STATES:
        return f"It had ended before: {before['state']}."
    event = await _answer_to(client, task_id, after=before["seq"], command_id=answer["command_id"])
    if event is None:
        return _UNANSWERED.format(id=short_id(task_id))
    if event["type"] == "command_refused":
        return f"Nothing changed: {refused(event.get('code'))}."
    if event["type"] == "stop_requested":
        now = await client.view(task_id, min_seq=event["seq"])
        if now["state"] in FINAL_STATES:
            return "Stopped."
    return _DONE.get(event["type"], _UNANSWERED).format(id=short_id(task_id))


async def _answer_to(
    client: TaskClient, task_id: TaskId, *, after: int, command_id: str
) -> JsonObject | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for wire in client.watch(task_id, after=after):
                if wire.get("command_id") == command_id:
                    return wire
    except TimeoutError:
        pass
    return None


def _how_to_go_on(view: JsonObject) -> str | None:
    if view["state"] not in FINAL_STATES:
        return None
    conversation = short_id(view.get("conversation_id"))
    return f'The task has ended. Go on with: steersman run "…" --conversation {conversation}'

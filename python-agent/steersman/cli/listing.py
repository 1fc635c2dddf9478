"""The commands that look at tasks, or tell them something, without watching."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from steersman.cli.client import find_task, open_client
from steersman.cli.lines import LineMaker, short_id, spend_line
from steersman.cli.untrusted import one_line
from steersman.core.commands import AddMessage, PauseTask, ResumeTask, StopTask
from steersman.core.errors import Invalid
from steersman.core.events import JsonObject
from steersman.settings import Settings

_STATE_STYLES = {
    "completed": "green",
    "failed": "red",
    "stopped": "yellow",
    "running": "cyan",
    "waiting": "magenta",
}


async def list_tasks(
    settings: Settings, *, states: Sequence[str], limit: int, as_json: bool
) -> int:
    """Print the newest tasks, one line each."""
    async with open_client(settings) as client:
        page = await client.list(states=states, limit=limit)
    if as_json:
        _print_json(page.items)
        return 0
    if not page.items:
        _console().print('No tasks yet. Begin with: steersman run "GOAL"')
        return 0
    now = datetime.now(UTC)
    console = _console()
    for view in page.items:
        line = task_line(view, now)
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    return 0


async def show_task(text: str, settings: Settings, *, as_json: bool) -> int:
    """Print where a task stands."""
    async with open_client(settings) as client:
        view = await client.view(await find_task(client, text))
    if as_json:
        _print_json([view])
        return 0
    console = _console()
    for line in view_lines(view, console.width):
        console.print(line, soft_wrap=True)
    return 0


async def stop_task(text: str, settings: Settings, *, reason: str | None) -> int:
    """Ask a task to stop. It stops as soon as whoever works on it sees this."""
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        await client.post(task_id, StopTask(reason=reason))
    _console().print(f"Stop sent. See it end with: steersman watch {short_id(task_id)}")
    return 0


async def pause_task(text: str, settings: Settings) -> int:
    """Ask a task to begin nothing more."""
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        await client.post(task_id, PauseTask())
    _console().print(f"Pause sent. Go on with: steersman resume {short_id(task_id)}")
    return 0


async def resume_task(text: str, settings: Settings) -> int:
    """Let a paused task go on."""
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        await client.post(task_id, ResumeTask())
    _console().print(f"Resume sent. Follow with: steersman watch {short_id(task_id)}")
    return 0


async def say_to_task(text: str, words: str, settings: Settings) -> int:
    """Send a message, which answers the task's question if it has one."""
    try:
        message = AddMessage(text=words)
    except ValidationError as error:
        raise Invalid(f"text: {error.errors(include_url=False)[0]['msg']}") from None
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        await client.post(task_id, message)
    _console().print(f"Sent. Follow with: steersman watch {short_id(task_id)}")
    return 0


def task_line(view: JsonObject, now: datetime) -> Text:
    """Return a task as one line: id, state, age, steps, goal."""
    state = str(view.get("state"))
    old = age(now - datetime.fromisoformat(str(view.get("created_at"))).astimezone(UTC))
    return Text.assemble(
        (short_id(str(view.get("task_id"))), "bold"),
        "  ",
        (f"{state:<9}", _STATE_STYLES.get(state, "dim")),
        (f"  {old:>6}  {view.get('step', 0):>3} steps  ", "dim"),
        one_line(str(view.get("goal", ""))),
    )


def view_lines(view: JsonObject, width: int) -> list[Text]:
    """Return a task's view as lines: the goal, where it stands, what came out, what it cost."""
    maker = LineMaker(width)
    lines = maker.lines_for({**view, "type": "task_submitted"})
    waiting = ", ".join(view.get("waiting_for") or [])
    state = str(view.get("state")) + (f" for {waiting}" if waiting else "")
    lines.append(Text(f"   {state}, step {view.get('step', 0)}", style="dim"))
    task_id = view.get("task_id")
    if question := view.get("question"):
        asked = {"type": "question_asked", "task_id": task_id, "question": question}
        lines += maker.lines_for(asked)
    error: JsonObject | None = view.get("error")
    if view.get("state") == "completed":
        lines += maker.lines_for({"type": "task_completed", "result": view.get("result")})
    elif error:
        lines += maker.lines_for({**error, "type": "task_failed"})
    return [*lines, spend_line(view), Text()]


def age(span: timedelta) -> str:
    """Say roughly how long ago something was."""
    seconds = max(int(span.total_seconds()), 0)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def _print_json(items: Sequence[JsonObject]) -> None:
    sys.stdout.writelines(json.dumps(item) + "\n" for item in items)

"""`tasks` and `show`: where tasks stand, without watching."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.text import Text

from steersman.cli.calls import number
from steersman.cli.client import find_task, open_client
from steersman.cli.lines import LineMaker, spend_lines
from steersman.cli.printing import Printer, print_json
from steersman.cli.untrusted import one_line, short_id
from steersman.cli.words import standing
from steersman.core.events import JsonObject
from steersman.settings import Settings

_STATE_STYLES = {
    "completed": "green",
    "failed": "red",
    "stopped": "yellow",
    "running": "cyan",
    "waiting": "magenta",
    "paused": "magenta",
}


async def list_tasks(
    settings: Settings, *, states: Sequence[str], limit: int, as_json: bool
) -> int:
    """Print the newest tasks, one line each."""
    async with open_client(settings) as client:
        page = await client.list(states=states, limit=limit)
    if as_json:
        print_json(page.items)
        return 0
    printer = Printer.of_stdout()
    if not page.items:
        none = f"No task is {' or '.join(states)}." if states else "No tasks yet."
        printer.say([Text(none if states else f'{none} Begin with: steersman run "GOAL"')])
        return 0
    printer.row(Text(f"{'ID':<8}  {'STATE':<9}  {'AGE':>6}  {'STEPS':>5}  GOAL", style="dim"))
    now = datetime.now(UTC)
    for view in page.items:
        printer.row(task_line(view, now))
    return 0


async def show_task(text: str, settings: Settings, *, as_json: bool) -> int:
    """Print where a task stands."""
    async with open_client(settings) as client:
        view = await client.view(await find_task(client, text))
    if as_json:
        print_json([view])
        return 0
    printer = Printer.of_stdout()
    printer.say(view_lines(view, printer.columns, cuts=printer.width is not None))
    return 0


def task_line(view: JsonObject, now: datetime) -> Text:
    """Return a task as one line: id, state, age, steps, goal."""
    paused = "pause" in (view.get("waiting_for") or ())
    state = "paused" if paused else one_line(view.get("state"))
    return Text.assemble(
        (short_id(view.get("task_id")), "bold"),
        "  ",
        (f"{state:<9}", _STATE_STYLES.get(state, "dim")),
        (f"  {since(view.get('created_at'), now):>6}  {number(view.get('step')):>5}  ", "dim"),
        one_line(view.get("goal") or ""),
    )


def view_lines(view: JsonObject, width: int, *, cuts: bool = True) -> list[Text]:
    """Return a task's view as lines: the goal, where it stands, what came out, what it cost."""
    maker = LineMaker(width, cuts=cuts)
    lines = maker.lines_for({**view, "type": "task_submitted"})
    state = standing(view.get("state"), view.get("waiting_for") or [])
    step = f" at step {one_line(view['step'])}" if view.get("step") else ""
    conversation = f"conversation {short_id(view.get('conversation_id'))}"
    lines.append(Text(f"   {state}{step} · {conversation}", style="dim"))
    task_id = view.get("task_id")
    pending: list[JsonObject] = view.get("pending_approvals") or []
    for one in pending:
        lines += maker.lines_for({**one, "type": "approval_requested", "task_id": task_id})
    if question := view.get("question"):
        asked = {"type": "question_asked", "task_id": task_id, "question": question}
        lines += maker.lines_for(asked)
    error: JsonObject | None = view.get("error")
    if view.get("state") == "completed":
        lines += maker.lines_for({"type": "task_completed", "result": view.get("result")})
    elif error:
        lines += maker.lines_for({**error, "type": "task_failed"})
    return [*lines, *spend_lines(view, maker.width), Text()]


def since(moment: object, now: datetime) -> str:
    """Say roughly how long ago something was; what is no moment is shown as it is."""
    try:
        return age(now - datetime.fromisoformat(str(moment)).astimezone(UTC))
    except (ValueError, OverflowError):
        return one_line(moment)


def age(span: timedelta) -> str:
    """Write a span in its largest unit."""
    seconds = max(int(span.total_seconds()), 0)
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

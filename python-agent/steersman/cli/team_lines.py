"""The events of a team as lines: plans, what is delegated, what is waited for, what comes back."""

from steersman.cli.lettering import INDENT, Lines, capped, indented, paragraph, wrap
from steersman.cli.untrusted import one_line, short_id
from steersman.core.events import JsonObject

TEAM_KINDS = ("plan_updated", "child_delegated", "wait_started", "child_finished")

_MAX_REPORT_LINES = 16
_PLAN_MARKS = {
    "pending": ("☐", ""),
    "in_progress": ("▸", "bold"),
    "done": ("☑", "dim"),
    "dropped": ("☒", "dim"),
}


def team_lines(event: JsonObject, width: int) -> Lines:
    """Return the lines of an event of TEAM_KINDS."""
    match event.get("type"):
        case "plan_updated":
            return _plan(event, width)
        case "child_delegated":
            return _delegated(event, width)
        case "wait_started":
            return _wait(event, width)
        case _:
            return _child_finished(event, width)


def _plan(event: JsonObject, width: int) -> Lines:
    items: list[JsonObject] = event.get("items") or []
    return [line for item in items for line in _plan_item(item, width)]


def _plan_item(item: JsonObject, width: int) -> Lines:
    mark, style = _PLAN_MARKS.get(str(item.get("state")), ("?", "dim"))
    return paragraph(f"{mark} {one_line(item.get('text'))}", width, style=style, by=3)


def _delegated(event: JsonObject, width: int) -> Lines:
    whom = f"{one_line(event.get('role'))}, task {short_id(event.get('child_id'))}"
    return paragraph(f"→ {whom}: {one_line(event.get('goal'))}", width, style="cyan", by=3)


def _wait(event: JsonObject, width: int) -> Lines:
    count = len(event.get("child_ids") or [])
    which = "one" if event.get("until") == "any" else "all"
    text = f"waits for {which} of {count} task{'' if count == 1 else 's'}"
    return paragraph(text, width, style="dim italic")


def _child_finished(event: JsonObject, width: int) -> Lines:
    style = "green" if event.get("state") == "completed" else "yellow"
    head = f"← task {short_id(event.get('child_id'))} {one_line(event.get('state'))}"
    said = capped(wrap(str(event.get("result", "")), width - INDENT), _MAX_REPORT_LINES)
    return [
        *paragraph(head, width, style=style, by=3),
        *(indented(line, style="dim") for line in said),
    ]

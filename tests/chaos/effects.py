"""What the actions did to the world outside, held against what the log says of them."""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from steersman.core.events import JsonObject

Log = list[JsonObject]

OUTCOMES = ("action_succeeded", "action_failed", "action_interrupted")
WITH_INTENT = ("write_file", "edit_file", "execute_terminal_command", "place_order")
_NOT_BEGUN = ("rejected", "skipped", "not_run", "not_found")
_IMPOSSIBLE = "\N{REPLACEMENT CHARACTER}"


def wrong_effects(logs: Mapping[str, Log], workspaces: Path) -> list[str]:
    """Find commands that left more lines outside than calls can answer for, or fewer."""
    wrong: list[str] = []
    for task_id, log in logs.items():
        calls = _calls(log)
        path = workspaces / log[0]["workspace"] / "effects.log"
        effects = Counter[str](path.read_text().split() if path.exists() else ())
        for name in ("one", "two", "three"):
            mine = {
                a for a, c in calls.items() if f"echo {name}" in c["arguments"].get("command", "")
            }
            ended = [e for e in log if e.get("action_id") in mine and e["type"] in OUTCOMES]
            sure = sum(e["type"] == "action_succeeded" for e in ended)
            perhaps = sum(e["type"] == "action_interrupted" for e in ended)
            if not sure <= effects[name] <= sure + perhaps:
                wrong.append(f"{task_id}: {effects[name]} times {name!r}, {_told(log, mine)}")
    return wrong


def _told(log: Log, actions: Collection[str]) -> str:
    """Say what the log has of some actions, for people who look for the cause."""
    events = [event for event in log if event.get("action_id") in actions]
    return "; ".join(
        f"{e['seq']} {e['type']} epoch {e['epoch']} at {e['at']}"
        f" {e.get('error') or e.get('reason') or ''} {e.get('output', '')!r}"
        for e in events
    )


def wrong_files(logs: Mapping[str, Log], workspaces: Path) -> int:
    """Count files that are not what the idempotent calls made of them, and conflicts.

    Nobody else is in these workspaces, so a conflict would be one with our own writing.
    """
    wrong = 0
    for log in logs.values():
        path = workspaces / log[0]["workspace"] / "a.txt"
        found = path.read_text() if path.exists() else ""
        wrong += found not in possible_contents(log)
        wrong += sum(event.get("error") == "conflict" for event in log)
    return wrong


def possible_contents(log: Log) -> set[str]:
    """Return what may stand in the file after these events; "" for no file."""
    calls, contents = _calls(log), {""}
    for event in log:
        if event["type"] not in OUTCOMES or event["tool"] not in ("write_file", "edit_file"):
            continue
        done = {_changed(content, calls[event["action_id"]]) for content in contents}
        if event["type"] == "action_succeeded":
            contents = done - {_IMPOSSIBLE}
        elif event.get("error") not in _NOT_BEGUN:
            contents |= done - {_IMPOSSIBLE}
    return contents


def without_intent(logs: Mapping[str, Log]) -> int:
    """Count outcomes of actions that were begun, though no intent stands before them."""
    count = 0
    for log in logs.values():
        begun: set[str] = set()
        for event in log:
            if event["type"] == "action_started":
                begun.add(event["action_id"])
            elif event["type"] == "action_succeeded" and event["tool"] in WITH_INTENT:
                count += event["action_id"] not in begun
    return count


def wrong_outcomes(logs: Mapping[str, Log]) -> int:
    """Count logs in which some call has not exactly one outcome."""
    wrong = 0
    for log in logs.values():
        outcomes = Counter(e["action_id"] for e in log if e["type"] in OUTCOMES)
        wrong += Counter(_calls(log).keys()) != outcomes
    return wrong


def _calls(log: Log) -> dict[str, JsonObject]:
    return {call["action_id"]: call for event in log for call in event.get("actions", ())}


def _changed(content: str, call: JsonObject) -> str:
    arguments = call["arguments"]
    if call["tool"] == "write_file":
        return arguments["content"]
    if arguments["old_text"] not in content:
        return _IMPOSSIBLE
    return content.replace(arguments["old_text"], arguments["new_text"])

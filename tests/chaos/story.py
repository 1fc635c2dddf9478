"""What each task does while everything breaks: every class of effect, told by a cassette."""

from steersman.core.events import JsonObject
from tests.chaos.people import GOAL

_ANY = ["(?s).*"]


def _reply(number: int, text: str, *calls: JsonObject) -> JsonObject:
    return {"text": f"{number}: {text}", "calls": list(calls), "expect": _ANY}


def _run(word: str) -> JsonObject:
    command = f"echo {word} >> effects.log; sleep 0.2"
    return {"tool": "execute_terminal_command", "arguments": {"command": command}}


def _order(item: str) -> JsonObject:
    return {"tool": "place_order", "arguments": {"item": item}}


def cassette() -> JsonObject:
    """Return a task over pure, idempotent, keyed, unsafe and transactional calls."""
    look: JsonObject = {"tool": "list_files", "arguments": {}}
    write = {"tool": "write_file", "arguments": {"path": "a.txt", "content": "1\n"}}
    again = {"tool": "write_file", "arguments": {"path": "a.txt", "content": "2\n"}}
    edit = {
        "tool": "edit_file",
        "arguments": {"path": "a.txt", "old_text": "2\n", "new_text": "3\n"},
    }
    finish = {"tool": "finish_task", "arguments": {"result": "survived"}}
    replies = [
        _reply(1, "look", look),
        _reply(2, "write", write),
        _reply(3, "one", _run("one")),
        _reply(4, "look and write", look, again),
        _reply(5, "two and three", _run("two"), _run("three")),
        _reply(6, "order", _order("rope")),
        _reply(7, "look, edit and order", look, edit, _order("lamp")),
        _reply(8, "done", finish),
    ]
    return {"goal": GOAL, "replies": replies}

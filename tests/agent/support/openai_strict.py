"""What a strict provider refuses: histories that do not fit together, and malformed requests."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from steersman.core.events import JsonObject

_KNOWN_FIELDS = {
    "max_tokens",
    "messages",
    "model",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def complaint(body: Any) -> str | None:
    """Return the first thing that is wrong with a request, or None."""
    return next(_complaints(body), None)


def _complaints(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "The body must be a JSON object."
        return
    request = cast(JsonObject, body)
    if unknown := sorted(request.keys() - _KNOWN_FIELDS):
        yield f"Unrecognized request argument supplied: {', '.join(unknown)}"
    if not isinstance(request.get("model"), str):
        yield "You must provide a model parameter."
    if request.get("stream") is not True:
        yield "This provider only streams."
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "[] is too short - 'messages'"
        return
    for tool in request.get("tools") or []:
        yield from _tool(tool)
    yield from _history(cast(list[JsonObject], messages))


def _tool(tool: JsonObject) -> Iterator[str]:
    function = tool.get("function") or {}
    if tool.get("type") != "function" or not _TOOL_NAME.fullmatch(str(function.get("name"))):
        yield f"Invalid tool: {json.dumps(tool)[:80]}"
    if (function.get("parameters") or {}).get("type") != "object":
        yield f"Invalid schema for function '{function.get('name')}': type must be 'object'."


def _history(messages: list[JsonObject]) -> Iterator[str]:
    """Check that each call is answered directly after its message, once."""
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        where, role = f"messages[{number}]", message.get("role")
        if role == "tool":
            yield from _outcome(message, where, open_calls)
            continue
        if open_calls:
            yield _unanswered(open_calls)
        open_calls = {call["id"] for call in message.get("tool_calls") or []}
        if role == "assistant":
            yield from _assistant(message, where)
        else:
            yield from _plain(message, where)
    if open_calls:
        yield _unanswered(open_calls)


def _outcome(message: JsonObject, where: str, open_calls: set[str]) -> Iterator[str]:
    if message.get("tool_call_id") not in open_calls:
        yield (
            f"{where}: messages with role 'tool' must be a response to a preceding message with "
            "'tool_calls'."
        )
    open_calls.discard(str(message.get("tool_call_id")))
    if not isinstance(message.get("content"), str):
        yield f"{where}.content must be a string."


def _plain(message: JsonObject, where: str) -> Iterator[str]:
    if message.get("role") not in {"system", "user"}:
        yield f"{where}.role is not one of system, user, assistant, tool."
    if not isinstance(message.get("content"), str):
        yield f"{where}.content must be a string."


def _assistant(message: JsonObject, where: str) -> Iterator[str]:
    calls = message.get("tool_calls")
    if not message.get("content") and not calls:
        yield f"{where}: an assistant message must have either content or tool_calls."
    if message.get("content") == "":
        yield f"{where}.content: must not be empty; leave it out or null."
    if calls == []:
        yield f"{where}.tool_calls: [] is too short."
    ids = [one.get("id") for one in calls or []]
    if len(set(ids)) != len(ids) or not all(ids):
        yield f"{where}.tool_calls: every call needs an id of its own."
    for one in calls or []:
        if not _TOOL_NAME.fullmatch(one["function"]["name"]):
            yield f"{where}.tool_calls: {one['function']['name']!r} does not match the pattern."
        if not _is_object(one["function"]["arguments"]):
            yield f"{where}.tool_calls: arguments must be the text of a JSON object."


def _is_object(text: Any) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _unanswered(open_calls: set[str]) -> str:
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        f"each 'tool_call_id'. Without a response: {', '.join(sorted(open_calls))}"
    )

"""Find the tool calls in a text that a model wrote, as forgivingly as is safe.

A call is a JSON object with a tool's name and arguments, in a fence or bare, alone or in an array.
What cannot be read but looks like a call becomes one with its raw text for arguments, so that the
loop tells the model what is wrong with it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.model import ModelCall

_NAMES = ("tool", "name", "tool_name", "function", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input")
_MAX_STARTS = 200

_START = re.compile(r"\[?\s*\{\s*\"\w+\"\s*:|\[\s*\{")
_LOOKS_LIKE_A_CALL = re.compile(
    r"\{\s*[\"']?(?:tool|name|tool_name|function|action)[\"']?\s*:\s*[\"'](?P<name>[\w.-]{1,100})[\"']"
    r".{0,20}[\"']?(?:arguments|parameters|args|input|action_input)[\"']?\s*:",
    re.DOTALL,
)
_FENCE_BEFORE = re.compile(r"(?:```[\w-]*|<tool_calls?>|\[TOOL_CALLS\])\s*\Z")
_FENCE_AFTER = re.compile(r"\s*(?:```|</tool_calls?>).*\Z", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)
"""Lenient in one thing: real line breaks inside of a string, which models write all the time."""


@dataclass(frozen=True, slots=True)
class JsonReply:
    """What a reply says before its first call, and its calls. Without calls: all of the text."""

    text: str
    calls: tuple[ModelCall, ...] = ()


def read_json_reply(text: str) -> JsonReply:
    """Split a reply into thought and calls; what follows the first call is only read for calls."""
    calls: list[ModelCall] = []
    said, position = text, 0
    for _ in range(_MAX_STARTS):
        start = _START.search(text, position)
        if start is None:
            break
        found, position = _read(text, start.start())
        if found and not calls:
            said = _FENCE_BEFORE.sub("", text[: start.start()]).strip()
        calls.extend(found)
    return JsonReply(said, tuple(calls)) if calls else _broken(text)


def _read(text: str, start: int) -> tuple[list[ModelCall], int]:
    """Return the calls that begin at `start`, and where to look on."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return [], start + 1
    values = cast(list[Any], value) if isinstance(value, list) else [value]
    return [call for one in values if (call := _call(one))], end


def _call(value: Any) -> ModelCall | None:
    if not isinstance(value, dict):
        return None
    fields = cast(JsonObject, value)
    if isinstance(fields.get("function"), dict):
        fields = cast(JsonObject, fields["function"])
    name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), None)
    arguments = next((fields[key] for key in _ARGUMENTS if key in fields), None)
    if name is None or (arguments is None and "tool" not in fields):
        return None
    if isinstance(arguments, str):
        return ModelCall(name, arguments)
    return ModelCall(name, json.dumps(arguments or {}, ensure_ascii=False))


def _broken(text: str) -> JsonReply:
    match = _LOOKS_LIKE_A_CALL.search(text)
    if match is None:
        return JsonReply(text)
    said = _FENCE_BEFORE.sub("", text[: match.start()]).strip()
    raw = _FENCE_AFTER.sub("", text[match.start() :])
    return JsonReply(said, (ModelCall(match.group("name"), raw),))

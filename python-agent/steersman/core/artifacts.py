"""Strings that are too long for an event: kept beside it under their SHA-256.

In the log such a string of an action's arguments is `{"artifact": sha256, "bytes": n}`. Tools
and prompts get it whole again. Arguments that look like such a reference by themselves have their
`artifact` put beside the event whatever its length, so nothing else reads like one.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.text import INLINE_LIMIT_BYTES, cut_for_json, head_and_tail, json_bytes

SAID_LIMIT_BYTES = 48 * 1024
"""What an event holds of what a person wrote, as JSON: nearly always all of it."""

THOUGHT_LIMIT_BYTES = 12 * 1024
"""What an event holds of a thought's text, as JSON, beside its calls."""

ARGUMENTS_LIMIT_BYTES = 28 * 1024
"""What an event holds of the arguments of all its calls, as JSON."""

_STRING_LIMITS = (INLINE_LIMIT_BYTES, 2_048, 512, 128)
"""From which length on strings are references: the first with which all arguments fit."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A text as an event holds it, and the artifact that holds it whole, if it was cut."""

    text: str
    size_bytes: int
    name: str | None
    blobs: Mapping[str, bytes]


def keep_output(text: str) -> Kept:
    """Cut a tool's output to head and tail, with the artifact's name between them."""
    raw = text.encode()
    if len(raw) <= INLINE_LIMIT_BYTES:
        return Kept(text, len(raw), None, {})
    name = hashlib.sha256(raw).hexdigest()
    cut = head_and_tail(text, INLINE_LIMIT_BYTES, hint=f"; all of it: artifact {name}")
    return Kept(cut, len(raw), name, {name: raw})


def keep_text(text: str, limit: int) -> Kept:
    """Cut what somebody said to `limit` bytes of JSON, with the artifact's name in the middle."""
    raw = text.encode()
    if json_bytes(text) <= limit + 2:
        return Kept(text, len(raw), None, {})
    name = hashlib.sha256(raw).hexdigest()
    cut = cut_for_json(text, limit, hint=f"; all of it: artifact {name}")
    return Kept(cut, len(raw), name, {name: raw})


def externalize(
    arguments: Sequence[JsonObject],
) -> tuple[tuple[JsonObject | None, ...], dict[str, bytes]]:
    """Replace long strings by their references until all arguments fit into one event.

    None stands where arguments are too large beside their strings, the largest first.
    """
    kept: list[object] = []
    blobs: dict[str, bytes] = {}
    for limit in _STRING_LIMITS:
        blobs = {}
        kept = [_out(_escaped(one, blobs), blobs, limit) for one in arguments]
        if json_bytes(kept) <= ARGUMENTS_LIMIT_BYTES:
            break
    while json_bytes(kept) > ARGUMENTS_LIMIT_BYTES:
        sizes = [json_bytes(one) for one in kept]
        kept[sizes.index(max(sizes))] = None
    needed = set(references(kept))
    return (
        tuple(cast(list[JsonObject | None], kept)),
        {name: blob for name, blob in blobs.items() if name in needed},
    )


def normalized(arguments: JsonObject) -> JsonObject:
    """Return the same for equal arguments, however many of their strings are references."""
    return cast(JsonObject, _out(arguments, {}, _STRING_LIMITS[-1]))


def internalize(arguments: JsonObject, blobs: Mapping[str, bytes]) -> JsonObject:
    """Put the strings back. Raises KeyError for one that is not in `blobs`."""
    return cast(JsonObject, _in(arguments, blobs))


def references(value: object) -> Iterator[str]:
    """Name the artifacts that arguments refer to."""
    if (name := _reference(value)) is not None:
        yield name
    elif isinstance(value, dict):
        for item in cast(dict[str, Any], value).values():
            yield from references(item)
    elif isinstance(value, list):
        for item in cast(list[Any], value):
            yield from references(item)


def _reference(value: object) -> str | None:
    if isinstance(value, dict) and value.keys() == {"artifact", "bytes"}:
        name = cast(dict[str, Any], value)["artifact"]
        return name if isinstance(name, str) and len(name) == 64 else None
    return None


def _out(value: object, blobs: dict[str, bytes], limit: int) -> object:
    if isinstance(value, str) and len(value.encode()) > limit:
        return _put_beside(value, blobs)
    if isinstance(value, dict):
        return {k: _out(v, blobs, limit) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_out(item, blobs, limit) for item in cast(list[Any], value)]
    return value


def _put_beside(text: str, blobs: dict[str, bytes]) -> JsonObject:
    raw = text.encode()
    name = hashlib.sha256(raw).hexdigest()
    blobs[name] = raw
    return {"artifact": name, "bytes": len(raw)}


def _escaped(value: object, blobs: dict[str, bytes]) -> object:
    """Put the string beside the event that would make these arguments read like a reference."""
    if (literal := _reference(value)) is not None:
        return {**cast(dict[str, Any], value), "artifact": _put_beside(literal, blobs)}
    if isinstance(value, dict):
        return {k: _escaped(v, blobs) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_escaped(item, blobs) for item in cast(list[Any], value)]
    return value


def _in(value: object, blobs: Mapping[str, bytes]) -> object:
    if (name := _reference(value)) is not None:
        return blobs[name].decode()
    if isinstance(value, dict):
        return {k: _in(v, blobs) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_in(item, blobs) for item in cast(list[Any], value)]
    return value

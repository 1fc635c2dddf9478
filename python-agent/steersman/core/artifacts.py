"""Strings that are too long for an event: kept beside it under their SHA-256.

In the log such a string of an action's arguments is `{"artifact": sha256, "bytes": n}`. Tools
and prompts get it whole again.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.text import INLINE_LIMIT_BYTES, head_and_tail


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


def externalize(arguments: JsonObject) -> tuple[JsonObject, dict[str, bytes]]:
    """Replace each long string by its reference."""
    blobs: dict[str, bytes] = {}
    return cast(JsonObject, _out(arguments, blobs)), blobs


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


def _out(value: object, blobs: dict[str, bytes]) -> object:
    if isinstance(value, str) and len(raw := value.encode()) > INLINE_LIMIT_BYTES:
        name = hashlib.sha256(raw).hexdigest()
        blobs[name] = raw
        return {"artifact": name, "bytes": len(raw)}
    if isinstance(value, dict):
        return {k: _out(v, blobs) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_out(item, blobs) for item in cast(list[Any], value)]
    return value


def _in(value: object, blobs: Mapping[str, bytes]) -> object:
    if (name := _reference(value)) is not None:
        return blobs[name].decode()
    if isinstance(value, dict):
        return {k: _in(v, blobs) for k, v in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_in(item, blobs) for item in cast(list[Any], value)]
    return value

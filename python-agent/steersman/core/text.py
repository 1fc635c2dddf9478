"""Texts that are safe to keep: no NUL, no lone surrogates, a bounded length."""

import json
from typing import Any, cast

INLINE_LIMIT_BYTES = 8 * 1024
"""What an event holds of one string. Longer ones are kept as artifacts."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_clean(text: str) -> bool:
    """Say whether Postgres and UTF-8 can hold this text: no NUL, no lone surrogates."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def clean(text: str) -> str:
    """Replace NUL and lone surrogates, which come from tools and models, by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    replaced = text.replace("\0", _REPLACEMENT)
    return "".join(_REPLACEMENT if "\ud800" <= c <= "\udfff" else c for c in replaced)


def clean_json(value: Any) -> Any:
    """Clean every string, keys too, of a JSON value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_json(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        items = cast(dict[str, Any], value).items()
        return {clean(key): clean_json(item) for key, item in items}
    return value


def head_and_tail(text: str, limit: int, *, hint: str = "") -> str:
    """Keep the first and last part of a text in at most `limit` UTF-8 bytes.

    The middle becomes one line that says how much is gone and, with `hint`, where it is.
    """
    raw = text.encode()
    if len(raw) <= limit:
        return text
    note = f"\n… {len(raw) - limit:,} of {len(raw):,} bytes cut here{hint} …\n"
    room = max(limit - len(note.encode()), 0)
    head, tail = raw[: room * 2 // 3], raw[len(raw) - room // 3 :]
    return head.decode(errors="ignore") + note + tail.decode(errors="ignore")


def json_bytes(value: object) -> int:
    """Count the bytes of a value as JSON: a quote is two of them, a control character six."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def cut_for_json(text: str, limit: int, *, hint: str = "") -> str:
    """Keep head and tail in at most `limit` bytes of JSON."""
    shown, room = text, limit
    while json_bytes(shown) > limit + 2:
        shown, room = head_and_tail(text, room, hint=hint), room * 3 // 4
    return shown


def shorten(text: str, limit: int) -> str:
    """Keep the beginning of a text, on one line, in at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"

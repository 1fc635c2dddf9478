"""What a call used: as the provider says, or estimated where it does not say."""

import json
from collections.abc import Sequence
from typing import Any, cast

from steersman.core.events import JsonObject
from steersman.core.limits import Usage

_BYTES_PER_TOKEN = 4
_MESSAGE_TOKENS = 4


def reported(usage: Any) -> Usage | None:
    """Read the `usage` of a chunk; None when it says nothing."""
    if not isinstance(usage, dict):
        return None
    fields = cast(JsonObject, usage)
    input_tokens, output_tokens = (
        _count(fields, "prompt_tokens"),
        _count(fields, "completion_tokens"),
    )
    if not input_tokens and not output_tokens:
        return None
    details = fields.get("prompt_tokens_details")
    cached = _count(cast(JsonObject, details), "cached_tokens") if isinstance(details, dict) else 0
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=min(cached, input_tokens),
    )


def estimated(messages: Sequence[JsonObject], tools: Sequence[JsonObject], written: int) -> Usage:
    """Estimate from what was sent and the bytes that were written."""
    sent = sum(_size(message) for message in messages)
    sent += len(json.dumps(tools)) if tools else 0
    return Usage(
        input_tokens=_tokens(sent) + _MESSAGE_TOKENS * len(messages),
        output_tokens=_tokens(written),
        estimated=True,
    )


def _size(message: JsonObject) -> int:
    calls = message.get("tool_calls", ())
    arguments = sum(len(one["function"]["arguments"].encode()) for one in calls)
    return len((message["content"] or "").encode()) + arguments


def _tokens(size: int) -> int:
    return -(-size // _BYTES_PER_TOKEN)


def _count(fields: JsonObject, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and value > 0 else 0

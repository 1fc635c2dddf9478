"""What Anthropic's API refuses in a history that was written in OpenAI's shape and translated."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from steersman.core.events import JsonObject

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class _Turn:
    """Messages of one side in a row: texts, calls that it makes, calls that it answers."""

    role: str
    texts: list[str] = field(default_factory=list[str])
    calls: list[str] = field(default_factory=list[str])
    answers: list[str] = field(default_factory=list[str])


def complaint(messages: Sequence[Any]) -> str | None:
    """Return the first thing that is wrong with a history, or None."""
    return next(_complaints(list(messages)), None)


def _complaints(messages: list[JsonObject]) -> Iterator[str]:
    while messages and messages[0]["role"] == "system":
        messages = messages[1:]
    turns = _turns(messages)
    if not turns or turns[0].role != "user":
        yield "messages: first message must use the user role"
    seen: set[str] = set()
    open_calls: list[str] = []
    for number, turn in enumerate(turns):
        where = f"messages.{number}"
        if sorted(turn.answers) != sorted(open_calls):
            yield f"{where}: tool_result {turn.answers} does not answer tool_use {open_calls}"
        if any(not text.strip() for text in turn.texts):
            yield f"{where}: text content blocks must contain non-whitespace text"
        if any(one in seen or not _ID.fullmatch(one) for one in turn.calls):
            yield f"{where}: tool_use ids must be unique and match the pattern: {turn.calls}"
        seen |= set(turn.calls)
        open_calls = turn.calls
    if open_calls:
        yield f"tool_use ids were found without tool_result blocks after them: {open_calls}"


def _turns(messages: list[JsonObject]) -> list[_Turn]:
    turns: list[_Turn] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        # A result after a text would stand behind it in the turn, where it is refused.
        late = bool(turns and message["role"] == "tool" and turns[-1].texts)
        if not turns or turns[-1].role != role or late:
            turns.append(_Turn(role))
        turn = turns[-1]
        if message["role"] == "tool":
            turn.answers.append(message["tool_call_id"])
        elif message.get("content") is not None:
            turn.texts.append(message["content"])
        turn.calls += [call["id"] for call in message.get("tool_calls") or []]
    return turns

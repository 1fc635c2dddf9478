"""The demo model: plays recorded replies, and only where they fit what really happened.

A cassette is a list of replies in their order. Which one comes next is read from the prompt alone,
so a process that was killed and started again goes on at the right place: it is the one after the
newest reply in the prompt, which the loop never compacts away, and which is known by its text.

The calls of a reply are really executed. Each reply but the first therefore says what the outcomes
before it must show (`expect`); where they do not, the model refuses to go on and the task fails.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from steersman.adapters.scripted.cassette import Cassette, CassetteReply
from steersman.core.limits import Usage
from steersman.core.model import (
    AssistantMessage,
    CallFailed,
    Cut,
    ModelCall,
    ModelRequest,
    OutcomeMessage,
    PromptMessage,
    Reply,
    TextDelta,
    UserMessage,
)
from steersman.core.text import shorten

REAL_MODEL = (
    "To use a real model set STEERSMAN_MODEL, and STEERSMAN_MODEL_BASE_URL if it runs on a server "
    "of your own."
)
NOT_HEEDED = "(I only play a recording, so I cannot take your message into account.) "

_CHARACTERS_PER_TOKEN = 4
_GOAL_HEADING = "Your goal:\n"
_WITHOUT_RESULT = re.compile(r"outcome unknown\b|interrupted \(|\(no outcome\b|failed \(skipped\)")
"""How an outcome begins when its call was cut off and has to be made again."""


class ScriptedModel:
    """Play a cassette as a Model. `delay` passes before each word."""

    def __init__(
        self, cassette: Cassette, *, delay: timedelta = timedelta(milliseconds=25)
    ) -> None:
        self._cassette = cassette
        self._delay = delay

    async def stream(
        self, request: ModelRequest, cut: Cut
    ) -> AsyncGenerator[TextDelta | Reply | CallFailed, None]:
        """Stream the reply that comes next, or say why none fits."""
        chosen = choose(self._cassette, request)
        if isinstance(chosen, CallFailed):
            yield chosen
            return
        streamed = ""
        for word in re.findall(r"\s*\S+\s*", chosen.text):
            if await _cut_within(self._delay, cut):
                break
            streamed += word
            yield TextDelta(word)
        if streamed != chosen.text or cut.is_set():
            usage = _estimate(request.messages, streamed)
            yield Reply(streamed, request.model, usage, cut=True)
            return
        calls = tuple(ModelCall(call.tool, json.dumps(call.arguments)) for call in chosen.calls)
        written = streamed + "".join(call.arguments for call in calls)
        usage = chosen.usage or _estimate(request.messages, written)
        yield Reply(streamed, request.model, usage, calls)


def choose(cassette: Cassette, request: ModelRequest) -> CassetteReply | CallFailed:
    """Find the reply that comes next, from the prompt alone; `rejected` when none fits."""
    if _goal(request.messages) != _plain(cassette.goal):
        return CallFailed(
            "rejected",
            "No model is configured, and the demo model knows a single goal: "
            f"“{cassette.goal}”. {REAL_MODEL}",
        )
    last = _last_turn(request.messages)
    reply = cassette.replies[0] if last is None else _next(cassette, last)
    if isinstance(reply, str):
        return _does_not_fit(reply)
    missing = {call.tool for call in reply.calls} - {tool.name for tool in request.tools}
    if missing:
        return _does_not_fit(f"It needs {', '.join(sorted(missing))}, which is not available here.")
    if _somebody_spoke(request.messages):
        return reply.model_copy(update={"text": NOT_HEEDED + reply.text})
    return reply


@dataclass(frozen=True, slots=True)
class _Turn:
    text: str
    outcomes: tuple[str, ...]


def _next(cassette: Cassette, last: _Turn) -> CassetteReply | str:
    """Return the reply after the last turn, that of the last turn again, or what is wrong."""
    played = last.text.removeprefix(NOT_HEEDED).strip()
    texts = [reply.text.strip() for reply in cassette.replies]
    if played not in texts:
        return f"It does not hold the last reply, “{shorten(last.text, 80)}”."
    number = texts.index(played)
    if any(_WITHOUT_RESULT.match(outcome) for outcome in last.outcomes):
        return cassette.replies[number]
    outcomes = "\n\n".join(last.outcomes)
    if number + 1 == len(texts):
        return f"It is at its end, but the task goes on after: {shorten(outcomes, 200)}"
    reply = cassette.replies[number + 1]
    for pattern in reply.expect:
        if not re.search(pattern, outcomes, re.MULTILINE):
            shown = shorten(outcomes, 300)
            return f"After “{shorten(played, 80)}” it expects /{pattern}/ but saw: {shown}"
    return reply


def _does_not_fit(why: str) -> CallFailed:
    message = f"The recording does not fit what happened. {why}"
    return CallFailed("rejected", f"{message} {REAL_MODEL}")


def _last_turn(messages: Sequence[PromptMessage]) -> _Turn | None:
    """Find the newest reply with calls. One without was cut off and is simply made again."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, AssistantMessage) and message.calls:
            following = messages[index + 1 :]
            outcomes = (m.text for m in following if isinstance(m, OutcomeMessage))
            return _Turn(message.text, tuple(outcomes))
    return None


def _somebody_spoke(messages: Sequence[PromptMessage]) -> bool:
    """Say whether a person wrote since the last reply; the last message is the loop's own."""
    for message in reversed(messages[:-1]):
        if isinstance(message, UserMessage):
            return not message.text.startswith(_GOAL_HEADING)
        return False
    return False


def _goal(messages: Sequence[PromptMessage]) -> str:
    # What came before in the conversation, if anything did, stands in front of it.
    texts = (message.text for message in messages if isinstance(message, UserMessage))
    goals = (text for text in texts if text.startswith(_GOAL_HEADING))
    return _plain(next(goals, "").removeprefix(_GOAL_HEADING))


def _plain(goal: str) -> str:
    return " ".join(goal.casefold().split()).rstrip(".!")


def _estimate(messages: Sequence[PromptMessage], written: str) -> Usage:
    read = sum(len(message.text) for message in messages)
    return Usage(
        input_tokens=read // _CHARACTERS_PER_TOKEN,
        output_tokens=len(written) // _CHARACTERS_PER_TOKEN,
        estimated=True,
    )


async def _cut_within(delay: timedelta, cut: Cut) -> bool:
    """Wait for the delay and say whether the call was cut in that time."""
    if not delay:
        await asyncio.sleep(0)
        return cut.is_set()
    try:
        async with asyncio.timeout(delay.total_seconds()):
            return await cut.wait()
    except TimeoutError:
        return False

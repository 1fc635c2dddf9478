"""Prompts as the loop makes them, and one call of the model as a value."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta

from steersman.adapters.scripted import Cassette, CassetteCall, CassetteReply, ScriptedModel
from steersman.core.ids import ActionId
from steersman.core.model import (
    AssistantMessage,
    CallFailed,
    Cut,
    ModelRequest,
    OutcomeMessage,
    PromptMessage,
    RecordedCall,
    Reply,
    SystemMessage,
    TextDelta,
    ToolSpecification,
    UserMessage,
)

TOOLS = ("list_files", "read_file", "edit_file", "execute_terminal_command", "finish_task")
STEP = UserMessage("Step 2 of at most 50. What is the single next action?")


def reply(text: str, *tools: str, expect: tuple[str, ...] = ()) -> CassetteReply:
    calls = tuple(CassetteCall(tool=tool) for tool in tools)
    return CassetteReply(text=text, calls=calls, expect=expect)


CASSETTE = Cassette(
    goal="count the files",
    replies=(
        reply("I list the files.", "list_files"),
        reply("I read both.", "read_file", "read_file", expect=(r"^a\.txt$", r"^b\.txt$")),
        reply("There are two.", "finish_task", expect=("^two$",)),
    ),
)


def goal(text: str = "count the files") -> tuple[PromptMessage, ...]:
    return (SystemMessage("You are the developer."), UserMessage(f"Your goal:\n{text}"))


def turn(text: str, *outcomes: str, tool: str = "list_files") -> tuple[PromptMessage, ...]:
    """Return a reply that made one call for each outcome, and the outcomes."""
    calls = tuple(RecordedCall(ActionId(f"{text} {n}"), tool, {}) for n in range(len(outcomes)))
    shown = [OutcomeMessage(c.action_id, tool, o) for c, o in zip(calls, outcomes, strict=True)]
    return (AssistantMessage(text, calls), *shown)


def request(*messages: PromptMessage, tools: tuple[str, ...] = TOOLS) -> ModelRequest:
    """Return the request for the next step; the loop's own words stand at the end."""
    offered = tuple(ToolSpecification(tool, "", {}) for tool in tools)
    return ModelRequest("demo", (*messages, STEP), offered, 1_000)


@dataclass(frozen=True)
class Played:
    """What one call of the model yielded."""

    deltas: tuple[str, ...]
    end: Reply | CallFailed

    @property
    def reply(self) -> Reply:
        assert isinstance(self.end, Reply), self.end
        return self.end

    @property
    def failure(self) -> CallFailed:
        assert isinstance(self.end, CallFailed), self.end
        return self.end

    @property
    def calls(self) -> list[tuple[str, dict[str, str]]]:
        return [(call.tool, json.loads(call.arguments)) for call in self.reply.calls]


async def play(
    asked: ModelRequest,
    *,
    cassette: Cassette = CASSETTE,
    cut: Cut | None = None,
    delay: timedelta = timedelta(0),
) -> Played:
    model = ScriptedModel(cassette, delay=delay)
    deltas: list[str] = []
    ends: list[Reply | CallFailed] = []
    async for part in model.stream(asked, cut or asyncio.Event()):
        if isinstance(part, TextDelta):
            assert not ends, "nothing follows the end"
            deltas.append(part.text)
        else:
            ends.append(part)
    (end,) = ends
    return Played(tuple(deltas), end)

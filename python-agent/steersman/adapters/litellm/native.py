"""The core's messages in the form of OpenAI's chat completions, tool calls included."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steersman.core.events import JsonObject
from steersman.core.model import (
    AssistantMessage,
    OutcomeMessage,
    PromptMessage,
    RecordedCall,
    SystemMessage,
    ToolSpecification,
    UserMessage,
)


@dataclass(frozen=True, slots=True)
class ProviderPrompt:
    """What is sent: fresh values, because LiteLLM writes into what it is given."""

    messages: list[JsonObject]
    tools: list[JsonObject]


def native_prompt(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSpecification]
) -> ProviderPrompt:
    """Write a prompt for a model that calls tools by itself."""
    return ProviderPrompt(list(_messages(messages)), [_tool(tool) for tool in tools])


def _messages(messages: Sequence[PromptMessage]) -> Iterator[JsonObject]:
    for message in messages:
        match message:
            case SystemMessage(text):
                yield {"role": "system", "content": text}
            case UserMessage(text):
                yield {"role": "user", "content": text}
            case OutcomeMessage(action_id, _, text):
                yield {"role": "tool", "tool_call_id": action_id, "content": text}
            case AssistantMessage(text, ()):
                if text:
                    yield {"role": "assistant", "content": text}
            case AssistantMessage(text, calls):
                written = [_call(one) for one in calls]
                yield {"role": "assistant", "content": text or None, "tool_calls": written}


def _call(call: RecordedCall) -> JsonObject:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    function = {"name": call.tool, "arguments": arguments}
    return {"id": call.action_id, "type": "function", "function": function}


def _tool(tool: ToolSpecification) -> JsonObject:
    function: JsonObject = {
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(json.dumps(tool.parameters)),
    }
    return {"type": "function", "function": function}

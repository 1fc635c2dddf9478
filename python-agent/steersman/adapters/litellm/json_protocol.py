"""Tool calls as JSON in plain text, for models that cannot call tools by themselves.

The prompt describes the tools and shows earlier calls exactly as the next one is to be written.
"""

import json
import re
from collections.abc import Iterator, Sequence

from steersman.adapters.litellm.native import ProviderPrompt
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

_INSTRUCTIONS = """\
# How to call a tool

You cannot call tools in any other way than this. Say in one or two sentences what you do and why,
then write the call as a JSON object in a fence, and stop:

```json
{"tool": "NAME", "arguments": {"ARGUMENT": "VALUE"}}
```

It must be valid JSON: double quotes, and line breaks inside of a text as \\n. Several calls are
several such fences, and run in their order. The outcome comes in the next message; never write it
yourself. The tools, each with the JSON Schema of its arguments:
"""

_BEGINNING = re.compile(r"```|<tool_call|[\[{]\s*[\"{\[]")
_MAYBE_BEGINNING = re.compile(r"(?:`{1,2}|<[tool_ca]*|[\[{]\s*)\Z")


def json_prompt(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSpecification]
) -> ProviderPrompt:
    """Write a prompt in which calls and outcomes are plain text.

    Neighbours of one side become one message: many such models insist on strict turns.
    """
    merged: list[JsonObject] = []
    for role, text in _texts(messages, tools):
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += f"\n\n{text}"
        else:
            merged.append({"role": role, "content": text})
    return ProviderPrompt(merged, [])


class ShownText:
    """Lets the text of a stream through until the JSON begins."""

    def __init__(self) -> None:
        self._held = ""
        self._shut = False

    def add(self, text: str) -> str:
        """Return what of the stream may be shown now."""
        if self._shut:
            return ""
        text, self._held = self._held + text, ""
        if beginning := _BEGINNING.search(text):
            self._shut = True
            return text[: beginning.start()]
        if maybe := _MAYBE_BEGINNING.search(text):
            text, self._held = text[: maybe.start()], maybe.group()
        return text


def _texts(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSpecification]
) -> Iterator[tuple[str, str]]:
    if tools and not any(isinstance(message, SystemMessage) for message in messages):
        yield "system", _instructions(tools)
    for message in messages:
        match message:
            case SystemMessage(text):
                yield "system", f"{text}\n\n{_instructions(tools)}" if tools else text
            case UserMessage(text):
                yield "user", text
            case OutcomeMessage(_, tool, text):
                yield "user", f"Outcome of {tool}:\n{text}"
            case AssistantMessage(text, calls):
                parts = [text, *(_call(one) for one in calls)]
                if said := "\n\n".join(part for part in parts if part):
                    yield "assistant", said


def _instructions(tools: Sequence[ToolSpecification]) -> str:
    described = (
        f"## {tool.name}\n{tool.description}\n{json.dumps(tool.parameters, ensure_ascii=False)}"
        for tool in tools
    )
    return "\n\n".join((_INSTRUCTIONS, *described))


def _call(call: RecordedCall) -> str:
    written = json.dumps({"tool": call.tool, "arguments": call.arguments}, ensure_ascii=False)
    return f"```json\n{written}\n```"

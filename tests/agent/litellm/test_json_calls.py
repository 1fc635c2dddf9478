"""Calls are found in whatever a model makes of the instructions."""

import json

import pytest

from steersman.adapters.litellm.json_calls import JsonReply, read_json_reply
from steersman.adapters.litellm.json_protocol import ShownText
from steersman.core.model import ModelCall

READ = ModelCall("read_file", '{"path": "a"}')
WRITTEN = '{"tool": "read_file", "arguments": {"path": "a"}}'


@pytest.mark.parametrize(
    "text",
    [
        f"Look.\n```json\n{WRITTEN}\n```",
        f"Look.\n\n```\n{WRITTEN}\n```\n",
        f"Look.\n{WRITTEN}",
        f"Look. {WRITTEN} And then I will see.",
        f"Look.\n```json\n[{WRITTEN}]\n```",
        f"Look.\n<tool_call>\n{WRITTEN}\n</tool_call>",
        f"Look.\n```json\n{WRITTEN}",
        f"Look.\n```json\n{WRITTEN}\n```\nOutcome of read_file:\nimagined",
        'Look.\n{"name": "read_file", "parameters": {"path": "a"}}',
        'Look.\n{"function": {"name": "read_file", "arguments": {"path": "a"}}}',
        'Look.\n{"arguments": {"path": "a"}, "tool": "read_file"}',
        'Look.\n{"thought": "…", "action": "read_file", "action_input": {"path": "a"}}',
        'Look.\n{"name": "read_file", "arguments": "{\\"path\\": \\"a\\"}"}',
        'Look.\n{\n  "tool": "read_file",\n  "arguments": {\n    "path": "a"\n  }\n}',
    ],
)
def test_a_call_is_found_in_many_forms(text: str) -> None:
    assert read_json_reply(text) == JsonReply("Look.", (READ,))


@pytest.mark.parametrize(
    "text",
    [
        "All tests pass.",
        "",
        'The file holds {"name": "shop", "version": 1}.',
        "See:\n```python\nx = {'tool': 1}\n```",
        "```json\n[1, 2, 3]\n```",
        '{"tool": 5, "arguments": {}}',
        "{" * 5_000,
        '[{"a":' * 5_000,
    ],
)
def test_a_text_without_a_call_stays_a_text(text: str) -> None:
    assert read_json_reply(text) == JsonReply(text)


def test_several_calls_keep_their_order() -> None:
    second = '{"tool": "finish_task", "arguments": {}}'
    calls = (READ, ModelCall("finish_task", "{}"))
    for text in (
        f"{WRITTEN}\n{second}",
        f"[{WRITTEN}, {second}]",
        f"```\n{WRITTEN}\n```\n{second}",
    ):
        assert read_json_reply(text).calls == calls


def test_fences_braces_and_line_breaks_inside_of_a_text_do_not_end_a_call() -> None:
    content = 'Use:\n```json\n{"tool": "x", "arguments": {}}\n```\n}'
    written = json.dumps({"tool": "write_file", "arguments": {"content": content}})
    reply = read_json_reply(f"Write.\n```json\n{written}\n```")
    assert [json.loads(call.arguments) for call in reply.calls] == [{"content": content}]
    raw = '{"tool": "write_file", "arguments": {"content": "two\nlines"}}'
    assert read_json_reply(raw).calls == (ModelCall("write_file", '{"content": "two\\nlines"}'),)


@pytest.mark.parametrize(
    "raw",
    [
        '{"tool": "read_file", "arguments": {"path": a}}',
        '{"tool": "read_file", "arguments": {"path": "a"',
        "{'tool': 'read_file', 'arguments': {'path': 'a'}}",
    ],
)
def test_a_broken_call_is_a_call_with_its_raw_text(raw: str) -> None:
    reply = read_json_reply(f"Look.\n```json\n{raw}\n```")
    assert reply == JsonReply("Look.", (ModelCall("read_file", raw),))


def test_a_call_without_arguments_has_none() -> None:
    assert read_json_reply('{"tool": "list_files"}').calls == (ModelCall("list_files", "{}"),)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Look.\n```json\n{WRITTEN}\n```", "Look.\n"),
        (f"Look.\n{WRITTEN}", "Look.\n"),
        ("Look.\n<tool_call>{}", "Look.\n"),
        ("if a < b and c [0]: `x` {y}", "if a < b and c [0]: `x` {y}"),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_text_is_shown_until_the_json_begins(text: str, shown: str, piece: int) -> None:
    gate = ShownText()
    pieces = [text[start : start + piece] for start in range(0, len(text), piece)]
    assert "".join(gate.add(one) for one in pieces) == shown

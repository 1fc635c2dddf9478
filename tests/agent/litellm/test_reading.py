"""Bytes become chunks, chunks become a reply."""

import json
from typing import Any

import pytest

from steersman.adapters.litellm.assembly import Assembly
from steersman.adapters.litellm.errors import ProviderError, Unusable
from steersman.adapters.litellm.sse import EventReader
from steersman.adapters.litellm.usage import estimated, reported
from steersman.core.limits import Usage
from steersman.core.model import ModelCall

STREAM = (
    b': hello\r\n\r\nevent: x\ndata: {"a": "\xc3\xa9\xe2\x80\xa8"}\r\n\r\n'
    b'data:{"b": "[DONE]"}\ndata: [DONE]\n\ndata: {"c": 3}\n'
)


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


def call_delta(arguments: Any, **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": fields.pop("name")} if "name" in fields else {})
    return delta(tool_calls=[{**fields, "function": function}])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_the_bytes_arrive(size: int) -> None:
    reader, chunks = EventReader(), []
    for start in range(0, len(STREAM), size):
        chunks += reader.feed(STREAM[start : start + size])
    chunks += reader.end()
    assert chunks == [{"a": "é\u2028"}, {"b": "[DONE]"}]
    assert reader.done


def test_a_last_line_needs_no_end() -> None:
    reader = EventReader()
    assert (reader.feed(b'data: {"a": 1}'), reader.end()) == ([], [{"a": 1}])


def test_what_is_no_stream_of_chunks_is_garbage() -> None:
    with pytest.raises(Unusable) as no_events:
        EventReader().end()
    with pytest.raises(Unusable) as no_json:
        EventReader().feed(b"data: {nonsense\n")
    assert {no_events.value.code, no_json.value.code} == {"garbage"}


@pytest.mark.parametrize(
    "chunks",
    [
        [
            call_delta("", index=0, id="a", name="f"),
            call_delta('{"x"', index=0),
            call_delta(":1}", index=0),
        ],
        [call_delta('{"x":1}', id="a", name="f")],
        [call_delta('{"x"', id="a", name="f"), call_delta(":1}", id="a", name="f")],
        [call_delta('{"x"', index=3, name="f"), call_delta(":1}", index=3, id="late")],
    ],
)
def test_a_call_is_put_together(chunks: list[dict[str, Any]]) -> None:
    assembly = Assembly()
    assert [assembly.add(chunk) for chunk in chunks] == [""] * len(chunks)
    assert assembly.calls() == (ModelCall("f", '{"x":1}'),)


def test_calls_may_be_mixed_and_arguments_may_be_an_object() -> None:
    assembly = Assembly()
    assembly.add(call_delta("{", index=0, id="a", name="f"))
    assembly.add(call_delta({"y": 2}, index=1, id="b", name="g"))
    assembly.add(call_delta("}", index=0))
    assert assembly.calls() == (ModelCall("f", "{}"), ModelCall("g", '{"y": 2}'))


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "Yes"}]
    assert Assembly().add(delta(content=parts)) == "Yes"


def test_only_the_first_choice_is_read() -> None:
    chunk = {"choices": [{"index": 1, "delta": {"content": "b"}}, {"delta": {"content": "a"}}]}
    assert Assembly().add(chunk) == "a"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "slow down", "code": 429}, 429),
        ({"message": "slow down", "code": "rate_limit_exceeded"}, 429),
        ({"message": "oh", "type": "server_error"}, 500),
        ("oh", 500),
    ],
)
def test_an_error_in_the_stream_is_raised(error: Any, status: int) -> None:
    with pytest.raises(ProviderError) as raised:
        Assembly().add({"error": error})
    assert raised.value.status_code == status


def test_usage_is_read_with_care() -> None:
    details = {"cached_tokens": 80}
    assert reported({"prompt_tokens": 9, "prompt_tokens_details": details}) == Usage(
        input_tokens=9, cached_tokens=9
    )
    for nothing in (None, {}, {"prompt_tokens": 0}, {"prompt_tokens": "many"}, 5):
        assert reported(nothing) is None


def test_usage_is_estimated_from_bytes() -> None:
    arguments = json.dumps({"path": "x" * 100})
    messages = [
        {"role": "user", "content": "é" * 100},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"arguments": arguments}}],
        },
    ]
    assert estimated(messages, [], 41) == Usage(
        input_tokens=(200 + len(arguments) + 3) // 4 + 8, output_tokens=11, estimated=True
    )

"""A reply comes whole, whatever is done to its bytes on the way."""

import json

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.ids import ActionId
from steersman.core.limits import Usage
from steersman.core.model import (
    AssistantMessage,
    ModelCall,
    OutcomeMessage,
    RecordedCall,
    Reply,
    SystemMessage,
    TextDelta,
    UserMessage,
)
from tests.agent.litellm.conftest import (
    KEY,
    NEEDS_LITELLM,
    READ_FILE,
    REPORTED,
    MakeModel,
    play,
    reply,
    request,
    texts,
)
from tests.agent.support.openai_server import Answer, Call, OpenAIServer, Raw, call

pytestmark = NEEDS_LITELLM

TRICKY = "é 😀 \u2028 \x85 \x0b [DONE] data: x\r\n\n <s>end</s>"


async def test_text_streams_and_ends_in_a_reply(model: LiteLLMModel, server: OpenAIServer) -> None:
    server.script(Answer("Hello there", delay=0.01, piece=6))
    assert await play(model) == [
        TextDelta("Hello "),
        TextDelta("there"),
        Reply("Hello there", "openai/test-model", REPORTED),
    ]


@pytest.mark.parametrize("piece", [0, 1, 5])
@pytest.mark.parametrize("tcp_piece", [0, 3, 50])
@pytest.mark.parametrize("escaped", [True, False])
async def test_no_cut_of_chunks_or_bytes_changes_text_or_arguments(
    model: LiteLLMModel, server: OpenAIServer, piece: int, tcp_piece: int, escaped: bool
) -> None:
    text = TRICKY if piece in (0, 5) else TRICKY[:4]
    asked = call("read_file", path=text)
    server.script(Answer(text, [asked], piece=piece, tcp_piece=tcp_piece, escaped=escaped))
    answer = reply(items := await play(model))
    assert (answer.text, "".join(texts(items))) == (text, text)
    assert answer.calls == (ModelCall("read_file", asked.arguments),)


async def test_surrogates_join_over_chunks_and_lone_ones_are_replaced(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(
        Answer("a\ud83d\ude00b\ud83d c\0d\ud83d", [Call("read_file", "\ud83d{")], piece=1)
    )
    items = await play(model)
    assert reply(items).text == "a😀b\ufffd c\ufffdd\ufffd"
    assert "".join(texts(items)) == reply(items).text
    assert reply(items).calls == (ModelCall("read_file", "\ufffd{"),)


async def test_fifty_calls_keep_their_order_and_arguments_need_not_be_json(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    asked = [call("read_file", path=f"f{n}") for n in range(49)] + [Call("read_file", '{"path": ')]
    server.script(Answer("", asked, piece=3))
    calls = reply(await play(model)).calls
    assert calls == tuple(ModelCall(one.name, one.arguments) for one in asked)


async def test_calls_without_an_index_of_their_own_are_told_apart_by_id(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    def chunk(call_id: str, path: str) -> str:
        function = {"name": "read_file", "arguments": json.dumps({"path": path})}
        delta = {"tool_calls": [{"index": 0, "id": call_id, "function": function}]}
        return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n"

    server.script(Raw((chunk("a", "x") + chunk("b", "y") + "data: [DONE]\n\n").encode()))
    assert reply(await play(model)).calls == (
        ModelCall("read_file", '{"path": "x"}'),
        ModelCall("read_file", '{"path": "y"}'),
    )


async def test_an_empty_reply_is_a_reply(model: LiteLLMModel, server: OpenAIServer) -> None:
    server.script(Answer())
    assert await play(model) == [Reply("", "openai/test-model", REPORTED)]


async def test_reasoning_is_not_text_but_counts_as_output(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("Yes.", reasoning="hm " * 40, usage=None))
    answer = reply(await play(model))
    assert answer.text == "Yes."
    assert answer.usage.output_tokens == (120 + 4) // 4


async def test_usage_comes_from_the_provider_with_its_cached_part(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 64}}
    server.script(Answer("x", usage={"prompt_tokens": 90, "completion_tokens": 3, **details}))
    used = reply(await play(model)).usage
    assert used == Usage(input_tokens=90, output_tokens=3, cached_tokens=64)


async def test_usage_is_estimated_when_the_provider_gives_none(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("x" * 400, usage=None))
    used = reply(await play(model)).usage
    assert used.estimated
    assert used.output_tokens == 100
    assert 40 < used.input_tokens < 90


async def test_a_known_model_has_its_price(model: LiteLLMModel, server: OpenAIServer) -> None:
    server.script(Answer("x"))
    used = reply(await play(model, request(model="openai/gpt-4o"))).usage
    assert used.cost_usd == pytest.approx(100 * 2.5e-6 + 20 * 1e-5)
    assert await model.context_tokens("openai/gpt-4o") == 128_000
    assert await model.context_tokens("openai/unheard-of") is None


async def test_the_prompt_is_what_a_strict_provider_takes(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    first, second = ActionId("01-a"), ActionId("01-b")
    calls = (
        RecordedCall(first, "read_file", {"path": "é"}),
        RecordedCall(second, "read_file", {}),
    )
    messages = (
        SystemMessage("s"),
        UserMessage("goal"),
        AssistantMessage("", calls),
        OutcomeMessage(first, "read_file", "one"),
        OutcomeMessage(second, "read_file", "two"),
        AssistantMessage(""),
        AssistantMessage("text"),
        UserMessage("more"),
        UserMessage("and more"),
    )
    server.script(Answer("ok"))
    reply(await play(model, request(*messages)))
    body = server.requests[0].body
    assert [m["role"] for m in body["messages"]] == [
        *("system", "user", "assistant", "tool", "tool", "assistant", "user", "user")
    ]
    assert body["messages"][2].get("content") is None
    assert [one["id"] for one in body["messages"][2]["tool_calls"]] == [first, second]
    assert (body["model"], body["max_tokens"], body["stream"]) == ("test-model", 500, True)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_what_litellm_does_to_a_prompt_does_not_reach_the_specification(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("ok"))
    reply(await play(model))
    assert READ_FILE.parameters["additionalProperties"] is False


async def test_connections_are_used_again(model: LiteLLMModel, server: OpenAIServer) -> None:
    server.script(*(Answer("ok") for _ in range(5)))
    for _ in range(5):
        reply(await play(model))
    assert server.connections == 1


async def test_a_provider_that_goes_silent_after_the_end_loses_nothing(
    make_model: MakeModel, server: OpenAIServer
) -> None:
    server.script(Answer("whole", piece=0, stall_after=3))
    answer = reply(await play(make_model(server, seconds=1.5)))
    assert (answer.text, answer.usage.estimated) == ("whole", True)

"""Models without tool calling, over real HTTP: found out, switched, remembered."""

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.ids import ActionId
from steersman.core.model import (
    AssistantMessage,
    ModelCall,
    OutcomeMessage,
    RecordedCall,
    SystemMessage,
    TextDelta,
    UserMessage,
)
from tests.agent.litellm.conftest import NEEDS_LITELLM, failure, play, reply, request, texts
from tests.agent.support.openai_server import Answer, OpenAIServer, Refusal

pytestmark = NEEDS_LITELLM

CALL = 'I look first.\n```json\n{"tool": "read_file", "arguments": {"path": "a.py"}}\n```'


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "registry.ollama.ai/library/phi does not support tools"),
        (400, "Tools are not supported by this model."),
        (400, "`tools` is not supported in this model"),
        (400, "This model does not support function calling"),
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
        (404, "No endpoints found that support tool use."),
    ],
)
async def test_a_model_that_refuses_tools_is_asked_again_as_text_and_from_then_on(
    model: LiteLLMModel, server: OpenAIServer, status: int, message: str
) -> None:
    server.script(Refusal(status, message), Answer(CALL, piece=3), Answer(CALL))
    for _ in range(2):
        items = await play(model)
        assert reply(items).calls == (ModelCall("read_file", '{"path": "a.py"}'),)
        assert reply(items).text == "I look first."
    assert ["tools" in one.body for one in server.requests] == [True, False, False]


async def test_only_the_thought_is_shown_while_it_streams(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Refusal(400, "no tools: tools are not supported"), Answer(CALL, piece=1))
    assert "".join(texts(await play(model))).strip() == "I look first."


async def test_a_text_without_a_call_is_shown_whole(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    text = "See:\n```python\nx = {'a': 1}\n```\nThat is all."
    server.script(Refusal(400, "tools are not supported"), Answer(text, piece=4))
    items = await play(model)
    assert (reply(items).text, "".join(texts(items))) == (text, text)


async def test_broken_json_reaches_the_loop_as_a_call(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    broken = '{"tool": "read_file", "arguments": {"path": a.py}}'
    server.script(Refusal(400, "tools are not supported"), Answer(f"So:\n```json\n{broken}\n```"))
    assert reply(await play(model)).calls == (ModelCall("read_file", broken),)


async def test_the_history_shows_calls_as_they_are_to_be_written(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    one = ActionId("a")
    messages = (
        SystemMessage("You are a test."),
        UserMessage("goal"),
        AssistantMessage("I look.", (RecordedCall(one, "read_file", {"path": "é"}),)),
        OutcomeMessage(one, "read_file", "content"),
        UserMessage("Next."),
    )
    server.script(Refusal(400, "tools are not supported"), Answer("Done."))
    assert (await play(model, request(*messages)))[0] == TextDelta("Done.")
    system, *others = server.requests[1].messages
    assert system["content"].startswith("You are a test.")
    assert '"additionalProperties": false' in system["content"]
    assert others == [
        {"role": "user", "content": "goal"},
        {
            "role": "assistant",
            "content": 'I look.\n\n```json\n{"tool": "read_file", "arguments": {"path": "é"}}\n```',
        },
        {"role": "user", "content": "Outcome of read_file:\ncontent\n\nNext."},
    ]


async def test_a_model_that_is_known_to_have_no_tools_is_never_sent_any(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer(CALL))
    answer = reply(await play(model, request(model="openai/deepseek-reasoner")))
    assert len(answer.calls) == 1
    assert "tools" not in server.requests[0].body


async def test_the_second_refusal_is_final(model: LiteLLMModel, server: OpenAIServer) -> None:
    refusal = Refusal(400, "tools are not supported")
    server.script(refusal, refusal)
    assert failure(await play(model)).code == "rejected"

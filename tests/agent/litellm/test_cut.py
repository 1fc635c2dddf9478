"""A cut ends a call at once, on our side and on the provider's."""

import asyncio
import time
from contextlib import aclosing

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.limits import Usage
from steersman.core.model import Cut, Reply, TextDelta
from tests.agent.litellm.conftest import NEEDS_LITELLM, MakeModel, play, reply, request
from tests.agent.support.openai_server import Answer, OpenAIServer, Refusal, call

pytestmark = NEEDS_LITELLM

STALLS = {
    "before the answer": Answer(headers_delay=60),
    "before the first chunk": Answer(delay=60),
    "in the text": Answer("Hello dear reader", piece=6, stall_after=3),
    "in the arguments": Answer("", [call("read_file", path="x" * 80)], stall_after=6),
    "while it streams": Answer("never ends " * 10_000, delay=0.01),
}


async def cut_after(model: LiteLLMModel, cut: asyncio.Event, seconds: float) -> tuple[Reply, float]:
    """Cut a call after a while; return the reply and when the cut was."""
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(play(model, request(), cut))
        await asyncio.sleep(seconds)
        at = time.monotonic()
        cut.set()
    return reply(playing.result()), at


@pytest.mark.parametrize("where", STALLS)
async def test_a_cut_closes_the_connection_within_50_ms(
    model: LiteLLMModel, server: OpenAIServer, where: str
) -> None:
    await model.context_tokens("wait for the import")
    server.script(Answer("warm"), STALLS[where])
    await play(model)
    answer, at = await cut_after(model, asyncio.Event(), 0.4)
    assert time.monotonic() - at < 0.05
    assert await asyncio.to_thread(server.requests[1].ended.wait, 1)
    left = server.requests[1].left_at
    assert left is not None
    assert left - at < 0.05
    assert (answer.cut, answer.calls, answer.usage.estimated) == (True, (), True)
    assert answer.usage.input_tokens > 0


async def test_a_cut_keeps_the_text_that_had_streamed(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("Hello dear reader", piece=6, stall_after=3))
    answer, _ = await cut_after(model, asyncio.Event(), 0.4)
    assert answer.text == "Hello dear r"
    assert answer.usage.output_tokens == 3


async def test_a_call_that_is_cut_before_it_begins_sends_nothing(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    cut = asyncio.Event()
    cut.set()
    assert await play(model, request(), cut) == [Reply("", "openai/test-model", Usage(), cut=True)]
    assert server.requests == []


async def test_cancelling_closes_the_connection_and_is_raised(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("Hello", stall_after=2))
    running = asyncio.ensure_future(play(model))
    await asyncio.sleep(0.4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(server.requests[0].ended.wait, 1)
    assert server.requests[0].left_at is not None


async def test_a_consumer_that_stops_listening_closes_the_connection(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("Hello dear reader", stall_after=3))
    never: Cut = asyncio.Event()
    async with aclosing(model.stream(request(), never)) as stream:
        async for item in stream:
            assert isinstance(item, TextDelta)
            break
    assert await asyncio.to_thread(server.requests[0].ended.wait, 1)
    assert server.requests[0].left_at is not None


async def test_calls_at_once_do_not_disturb_each_other(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    cut = asyncio.Event()
    server.use(
        lambda received: (
            Answer("mine ", stall_after=2)
            if received.body["max_tokens"] == 1
            else Answer("yours " * 20, delay=0.01)
        )
    )
    async with asyncio.TaskGroup() as group:
        mine = group.create_task(play(model, request(max_output_tokens=1), cut))
        others = [group.create_task(play(model)) for _ in range(8)]
        await asyncio.sleep(0.2)
        cut.set()
    assert reply(mine.result()).cut
    assert {reply(other.result()).text for other in others} == {"yours " * 20}


async def test_a_model_can_be_used_after_it_was_closed(
    make_model: MakeModel, server: OpenAIServer
) -> None:
    model = make_model(server)
    server.script(Answer("one"), Refusal(500), Answer("two"))
    assert reply(await play(model)).text == "one"
    await model.close()
    await play(model)
    assert reply(await play(model)).text == "two"

"""A cut ends a call at once, on our side and on the provider's."""

import asyncio
import time
from contextlib import aclosing

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.limits import Usage
from steersman.core.model import Cut, Reply, TextDelta
from tests.agent.litellm.conftest import (
    NEEDS_LITELLM,
    MakeModel,
    happens,
    play,
    reply,
    request,
    until,
)
from tests.agent.support.openai_server import Answer, OpenAIServer, Refusal, call

pytestmark = NEEDS_LITELLM

STALLS = {
    "before the answer": Answer(headers_delay=60),
    "before the first chunk": Answer(delay=60),
    "in the text": Answer("Hello dear reader", piece=6, stall_after=3),
    "in the arguments": Answer("", [call("read_file", path="x" * 80)], stall_after=6),
    "while it streams": Answer("never ends " * 10_000, delay=0.01),
}


@pytest.mark.parametrize("where", STALLS)
async def test_a_cut_closes_the_connection_within_50_ms(
    model: LiteLLMModel, server: OpenAIServer, where: str
) -> None:
    server.use(lambda _: STALLS[where])
    took: list[float] = []
    # Others may load the machine; what the code itself waited for would delay every cut.
    while len(took) < 30 and min(took, default=1) > 0.05:
        took.append(await seconds_to_cut(model, server))
    assert min(took) < 0.05


async def test_a_cut_keeps_the_text_that_had_streamed(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    cut = asyncio.Event()
    server.script(Answer("Hello dear reader", piece=6, stall_after=3))
    async with aclosing(model.stream(request(), cut)) as stream:
        items = [await anext(stream)]
        cut.set()
        items += [item async for item in stream]
    assert items[0] == TextDelta("Hello dear r")
    assert (reply(items).text, reply(items).usage.output_tokens) == ("Hello dear r", 3)


async def test_a_call_that_is_cut_before_it_begins_sends_nothing(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    cut = asyncio.Event()
    cut.set()
    assert await play(model, request(), cut) == [Reply("", "openai/test-model", Usage(), cut=True)]
    assert len(server.requests) == 0


async def test_cancelling_closes_the_connection_and_is_raised(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Answer("Hello", stall_after=2))
    running = asyncio.ensure_future(play(model))
    await until(lambda: len(server.requests) == 1)
    await happens(server.requests[0].waiting)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await happens(server.requests[0].ended)
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
    await happens(server.requests[0].ended)
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
        await until(lambda: len(server.requests) == 9)
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


async def seconds_to_cut(model: LiteLLMModel, server: OpenAIServer) -> float:
    """Cut a call that waits; return how long it took until both sides had let go."""
    cut, number = asyncio.Event(), len(server.requests)
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(play(model, request(), cut))
        await until(lambda: len(server.requests) > number)
        await happens(server.requests[number].waiting)
        begun = time.monotonic()
        cut.set()
    ended = time.monotonic()
    answer, received = reply(playing.result()), server.requests[number]
    assert (answer.cut, answer.calls, answer.usage.estimated) == (True, (), True)
    assert answer.usage.input_tokens > 0
    await happens(received.ended)
    assert received.left_at is not None
    return max(ended, received.left_at) - begun

"""A provider of LiteLLM's own, by its own variables: the same port, read through LiteLLM."""

import asyncio
from contextlib import aclosing

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.model import ModelCall, Reply
from tests.agent.litellm.conftest import (
    KEY,
    NEEDS_LITELLM,
    REPORTED,
    MakeModel,
    failure,
    happens,
    play,
    reply,
    request,
    texts,
)
from tests.agent.support.openai_server import (
    Answer,
    HangUp,
    OpenAIServer,
    Raw,
    Refusal,
    Scripted,
    call,
)

pytestmark = NEEDS_LITELLM


@pytest.fixture(params=["openai", "deepseek"])
def named(request: pytest.FixtureRequest) -> str:
    """Two ways inside of LiteLLM: the OpenAI package, and its own HTTP handler."""
    return f"{request.param}/test-model"


@pytest.fixture
def model(
    make_model: MakeModel, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> LiteLLMModel:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    monkeypatch.setenv("DEEPSEEK_API_BASE", server.url)
    return make_model(None, seconds=30)


async def test_text_and_calls_come_whole(
    model: LiteLLMModel, server: OpenAIServer, named: str
) -> None:
    asked = [call("read_file", path="é😀"), call("read_file", path="b")]
    server.script(Answer("Héllo 😀", asked, piece=3, delay=0.002))
    items = await play(model, request(model=named))
    assert items[-1] == Reply(
        "Héllo 😀", named, REPORTED, tuple(ModelCall(c.name, c.arguments) for c in asked)
    )
    assert "".join(texts(items)) == "Héllo 😀"


async def test_usage_that_litellm_made_up_is_an_estimate(
    model: LiteLLMModel, server: OpenAIServer, named: str
) -> None:
    server.script(Answer("Hello", usage=None))
    assert reply(await play(model, request(model=named))).usage.estimated


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (Refusal(400, "bad"), "rejected"),
        (Refusal(401, KEY), "rejected"),
        (Refusal(429, headers={"retry-after": "7"}), "rate_limited"),
        (Refusal(503, headers={"retry-after": "7"}), "overloaded"),
        (Refusal(500, headers={"retry-after": "7"}), "error"),
        (HangUp(), "connection"),
        (Raw(b"data: [1, 2]\n\n"), "garbage"),
        (Answer("half a reply", end_after=2), "connection"),
        (Answer("half a reply", abort_after=2), "connection"),
        (Answer(endless="text"), "output_limit"),
        (Answer(endless="arguments"), "output_limit"),
        (Answer(endless="same_text"), "garbage"),
    ],
)
async def test_failures_have_the_same_codes(
    model: LiteLLMModel, server: OpenAIServer, named: str, scripted: Scripted, code: str
) -> None:
    server.script(scripted, Answer("never asked for"))
    failed = failure(await play(model, request(model=named)))
    assert failed.code == code
    assert failed.retry_after_seconds == (7 if "retry-after" in str(scripted) else None)
    assert KEY not in failed.message
    assert len(server.requests) == 1


@pytest.mark.usefixtures("model")
async def test_a_silence_is_a_timeout(
    make_model: MakeModel, server: OpenAIServer, named: str
) -> None:
    server.script(Answer("x", stall_after=2), Answer("never asked for"))
    # Long enough that a busy machine gets to the first chunk: cut before that, LiteLLM leaves a
    # coroutine behind that nobody has awaited.
    patient = make_model(None, seconds=6)
    assert failure(await play(patient, request(model=named))).code == "timeout"
    assert len(server.requests) == 1


async def test_a_cut_closes_the_connection(
    model: LiteLLMModel, server: OpenAIServer, named: str
) -> None:
    cut = asyncio.Event()
    server.script(Answer("Hello dear reader", piece=6, stall_after=3))
    async with aclosing(model.stream(request(model=named), cut)) as stream:
        items = [await anext(stream), await anext(stream)]
        cut.set()
        items += [item async for item in stream]
    assert reply(items).text == "Hello dear r"
    await happens(server.requests[0].ended)
    assert server.requests[0].left_at is not None

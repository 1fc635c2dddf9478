"""Whatever a provider does, a call ends in one value that says what it was."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from steersman.adapters.litellm import LiteLLMModel
from steersman.core.limits import Usage
from steersman.core.model import CallFailed
from tests.agent.litellm.conftest import (
    KEY,
    NEEDS_LITELLM,
    MakeModel,
    failure,
    happens,
    play,
    reply,
    request,
    texts,
)
from tests.agent.support.openai_server import Answer, HangUp, OpenAIServer, Raw, Refusal, Scripted

pytestmark = NEEDS_LITELLM

TOO_LONG = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (Refusal(400, "bad"), "rejected"),
        (Refusal(400, TOO_LONG, "context_length_exceeded"), "context_exceeded"),
        (Refusal(401, "wrong key"), "rejected"),
        (Refusal(403), "rejected"),
        (Refusal(404, "no such model"), "rejected"),
        (Refusal(408), "timeout"),
        (Refusal(413), "context_exceeded"),
        (Refusal(422), "rejected"),
        (Refusal(429), "rate_limited"),
        (Refusal(429, "You exceeded your quota", "insufficient_quota"), "rejected"),
        (Refusal(500), "error"),
        (Refusal(502), "overloaded"),
        (Refusal(503), "overloaded"),
        (Refusal(504), "timeout"),
        (Refusal(529), "overloaded"),
        (HangUp(), "connection"),
        (Raw(b"<html>502 Bad Gateway</html>", "text/html", 502), "overloaded"),
    ],
)
async def test_a_refused_call_costs_nothing_and_is_tried_once(
    model: LiteLLMModel, server: OpenAIServer, scripted: Scripted, code: str
) -> None:
    server.script(scripted, Answer("never asked for"))
    failed = failure(await play(model))
    assert (failed.code, failed.usage) == (code, Usage())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (Raw(b"<html>Welcome</html>", "text/html"), "garbage"),
        (Raw(b""), "garbage"),
        (Raw(b"data: {nonsense\n\n"), "garbage"),
        (Raw(b"data: [1, 2]\n\n"), "garbage"),
        (Raw(b'data: {"choices": [1]}\n\n'), "garbage"),
        (Raw(b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n'), "garbage"),
        (Refusal(429, "slow down", in_stream=True), "rate_limited"),
        (Refusal(400, TOO_LONG, in_stream=True), "context_exceeded"),
        (Refusal(503, in_stream=True), "overloaded"),
        (Answer("half a reply", end_after=2), "connection"),
        (Answer("half a reply", abort_after=2), "connection"),
        (Answer("", finish_reason="content_filter"), "error"),
        (Answer("too long", finish_reason="length"), "output_limit"),
    ],
)
async def test_a_broken_stream_is_a_failure_with_what_it_used(
    model: LiteLLMModel, server: OpenAIServer, scripted: Scripted, code: str
) -> None:
    server.script(scripted, Answer("never asked for"))
    failed = failure(await play(model))
    assert failed.code == code
    assert failed.usage.input_tokens > 0
    assert len(server.requests) == 1


async def test_a_closed_port_is_a_connection_failure(make_model: MakeModel) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        model = LiteLLMModel(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}/v1")
        assert failure(await play(model)).code == "connection"
        await model.close()


async def test_retry_after_in_seconds_and_as_a_date(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.script(
        Refusal(429, headers={"retry-after": "7"}),
        Refusal(503, headers={"Retry-After": soon}),
        Refusal(429, headers={"retry-after": "soon"}),
    )
    seconds = [failure(await play(model)).retry_after_seconds for _ in range(3)]
    assert seconds[0] == 7
    assert seconds[1] is not None
    assert 80 < seconds[1] <= 90
    assert seconds[2] is None


async def test_a_key_is_never_repeated(
    model: LiteLLMModel, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "very-secret-value")
    said = (
        f"Incorrect API key provided: {KEY}; Bearer abc.def; very-secret-value; sk-12********90ab"
    )
    server.script(Refusal(401, said), Refusal(401, said, in_stream=True))
    for _ in range(2):
        message = failure(await play(model)).message
        assert "Incorrect API key provided" in message
        assert [s for s in (KEY, "abc.def", "very-secret", "90ab") if s in message] == []


@pytest.mark.parametrize("answer", [Answer(headers_delay=60), Answer("Hello", stall_after=2)])
async def test_silence_before_or_between_chunks_is_a_timeout(
    make_model: MakeModel, server: OpenAIServer, answer: Answer
) -> None:
    server.script(answer)
    failed = failure(await play(make_model(server, seconds=0.3)))
    assert (failed.code, failed.usage.estimated) == ("timeout", True)
    await happens(server.requests[0].ended)
    assert server.requests[0].left_at is not None


async def test_a_slow_stream_is_not_a_silent_one(
    make_model: MakeModel, server: OpenAIServer
) -> None:
    server.script(Answer("a b c d e f ", piece=2, delay=0.15))
    assert reply(await play(make_model(server, seconds=0.5))).text == "a b c d e f "


async def test_keep_alives_are_not_chunks(make_model: MakeModel, server: OpenAIServer) -> None:
    server.script(Answer("x", stall_after=1, keep_alive=0.05))
    assert failure(await play(make_model(server, seconds=0.4))).code == "timeout"


@pytest.mark.parametrize("endless", ["text", "same_text", "arguments"])
async def test_an_endless_stream_is_cut_off(
    model: LiteLLMModel, server: OpenAIServer, endless
) -> None:
    server.script(Answer(endless=endless))
    items = await play(model, request(max_output_tokens=100))
    failed = failure(items)
    assert (failed.code, failed.usage.estimated) == ("output_limit", True)
    assert 100 < failed.usage.output_tokens < 5_000
    assert len("".join(texts(items))) < 20_000
    await happens(server.requests[0].ended)
    assert server.requests[0].left_at is not None


async def test_a_line_without_an_end_does_not_fill_the_memory(
    model: LiteLLMModel, server: OpenAIServer
) -> None:
    server.script(Raw(b"data: " + b"x" * (9 * 1024 * 1024)))
    assert failure(await play(model)).code == "garbage"


async def test_a_provider_that_litellm_does_not_know_is_refused(make_model: MakeModel) -> None:
    failed = failure(await play(make_model(None), request(model="nobody/nothing")))
    assert failed.code == "rejected"


async def test_a_key_that_is_missing_is_refused_by_name(make_model: MakeModel) -> None:
    failed = failure(await play(make_model(None), request(model="anthropic/claude-sonnet-4-5")))
    assert failed.code == "rejected"
    assert "ANTHROPIC_API_KEY" in failed.message


async def test_no_test_reaches_a_provider(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    failed = failure(await play(make_model(None), request(model="openai/gpt-4o")))
    assert failed == CallFailed("connection", failed.message)

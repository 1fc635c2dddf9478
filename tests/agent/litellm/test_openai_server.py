"""The fake provider is as strict as a real one, and quick."""

import json
import subprocess
import sys
import time

import httpx
import pytest

from steersman.core.events import JsonObject
from tests.agent.litellm.conftest import KEY
from tests.agent.support.openai_server import Answer, Instant, OpenAIServer

USER = {"role": "user", "content": "hi"}


def assistant(*ids: str) -> JsonObject:
    function = {"name": "read_file", "arguments": "{}"}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def outcome(call_id: str) -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


def post(url: str, *messages: JsonObject, **more: object) -> httpx.Response:
    body = {"model": "m", "stream": True, "messages": messages, **more}
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.post(f"{url}/chat/completions", json=body, headers=headers, trust_env=False)


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [USER, assistant("a")],
        [USER, assistant("a"), USER],
        [USER, assistant("a"), USER, outcome("a")],
        [USER, assistant("a", "b"), outcome("a")],
        [USER, assistant("a"), outcome("a"), outcome("a")],
        [USER, assistant("a", "a"), outcome("a")],
        [USER, outcome("a")],
        [USER, {"role": "assistant", "content": None}],
        [USER, {"role": "assistant", "content": ""}],
        [{"role": "person", "content": "hi"}],
        [{"role": "user", "content": None}],
    ],
)
def test_a_history_that_does_not_fit_together_is_refused(messages: list[JsonObject]) -> None:
    with OpenAIServer([Answer("hi")]) as server:
        assert post(server.url, *messages).status_code == 400


def test_a_history_that_fits_together_is_answered_as_a_stream() -> None:
    fits = [USER, assistant("a", "b"), outcome("b"), outcome("a"), assistant("a"), outcome("a")]
    with OpenAIServer([Answer("hi")]) as server:
        answer = post(server.url, *fits, stream_options={"include_usage": True})
    lines = [line for line in answer.text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2][6:])["usage"] == {"prompt_tokens": 100, "completion_tokens": 20}


def test_a_key_and_known_fields_are_required() -> None:
    with OpenAIServer([Answer("hi")]) as server:
        assert post(server.url, USER, colour="blue").status_code == 400
        assert httpx.post(f"{server.url}/chat/completions", trust_env=False).status_code == 401


def test_the_instant_script_makes_different_calls_and_then_finishes() -> None:
    with OpenAIServer(Instant(2)) as server:
        answers = [post(server.url, USER).text for _ in range(3)]
    assert ["list_files" in text for text in answers] == [True, True, False]
    assert "finish_task" in answers[2]
    assert answers[0] != answers[1]


@pytest.mark.slow  # a process
def test_it_runs_as_a_process(tmp_path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"text": "a", "calls": [{"name": "x"}]}, {"status": 503}]))
    command = [sys.executable, "-m", "tests.agent.support.openai_server", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        statuses = [post(url, USER).status_code for _ in range(3)]
        process.terminate()
    assert statuses == [200, 503, 400]


@pytest.mark.slow
def test_an_instant_reply_costs_less_than_a_millisecond() -> None:
    with OpenAIServer(Instant(1_000)) as server, httpx.Client(trust_env=False) as client:
        body = {"model": "m", "stream": True, "messages": [USER]}
        times: list[float] = []
        for _ in range(200):
            begun = time.process_time()  # of both sides; the clock shows what others do
            client.post(
                f"{server.url}/chat/completions", json=body, headers={"authorization": "Bearer x"}
            )
            times.append(time.process_time() - begun)
    assert min(times) < 0.002

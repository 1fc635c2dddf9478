"""Whole tasks against a provider that speaks OpenAI's protocol over real HTTP, well and badly."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from steersman.adapters.postgres.embedded import EmbeddedPostgres
from steersman.core.events import JsonObject
from tests.agent.e2e.processes import Serving, environment, events_of, serving, wait_for_state
from tests.agent.e2e.test_crashes import assert_whole
from tests.agent.support.database import cloned_database
from tests.agent.support.openai_server import Answer, Call, OpenAIServer, Raw, Refusal, call

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("a real model's server")]

KEY = "sk-a-key-that-must-not-be-seen"
DONE = Answer("All is done.", [call("finish_task", result="It works.")])
FINAL = ("completed", "failed", "stopped")


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="module")
def agent(provider: OpenAIServer, postgres_server: EmbeddedPostgres) -> Iterator[Serving]:
    """One server for all: LiteLLM's import takes several seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="steersman-e2e-") as home,
        cloned_database(postgres_server) as dsn,
    ):
        env = environment(
            Path(home),
            database_url=dsn,
            model="openai/some-model",
            model_base_url=provider.url,
            model_max_output_tokens=200,
        )
        with serving({**env, "OPENAI_API_KEY": KEY}) as server:
            yield server
            assert KEY not in server.text


def submit(agent: Serving, **body: object) -> str:
    answer = httpx.post(f"{agent.url}/tasks", json={"goal": "Make it work.", **body})
    assert answer.status_code == 202, answer.text
    return answer.json()["task_id"]


def end_of(agent: Serving, task_id: str) -> tuple[JsonObject, list[JsonObject]]:
    view = wait_for_state(agent.url, task_id, FINAL)
    events = events_of(agent.url, task_id)
    assert_whole(events)
    return view, events


def test_a_task_is_thought_done_and_finished(agent: Serving, provider: OpenAIServer) -> None:
    write = call("write_file", path="a.txt", content="caf\u00e9\n")
    provider.script(
        Answer("I write it.", [write], piece=3),
        Answer("I look at it.", [call("execute_terminal_command", command="cat a.txt")], piece=1),
        DONE,
    )
    view, events = end_of(agent, task_id := submit(agent))
    assert (view["state"], view["result"]) == ("completed", "It works.")
    assert [e["tool"] for e in events if e["type"] == "action_succeeded"] == [
        "write_file",
        "execute_terminal_command",
        "finish_task",
    ]
    (command,) = (e for e in events if e.get("exit_code") is not None)
    assert (command["exit_code"], command["output"]) == (0, "caf\u00e9\n")
    assert httpx.get(f"{agent.url}/tasks/{task_id}/files/a.txt").content == "caf\u00e9\n".encode()
    assert view["spent"]["input_tokens"] == 300


def test_what_fails_is_shown_to_the_model(agent: Serving, provider: OpenAIServer) -> None:
    provider.script(
        Answer("", [Call("read_file", '{"path": ')]),
        Answer("", [call("fly", to="the moon"), call("read_file", path="/etc/passwd")]),
        DONE,
    )
    view, events = end_of(agent, submit(agent))
    assert view["state"] == "completed"
    failed = [e["error"] for e in events if e["type"] == "action_failed"]
    assert failed == ["invalid_arguments", "unknown_tool", "outside_workspace"]
    shown = [m["content"] for m in provider.requests[-1].messages if m["role"] == "tool"]
    assert ["failed (invalid_arguments)" in shown[0], "failed (unknown_tool)" in shown[1]] == [
        True,
        True,
    ]
    assert "failed (outside_workspace)" in shown[2]


def test_of_fifty_calls_sixteen_are_run(agent: Serving, provider: OpenAIServer) -> None:
    many = [call("list_files", pattern=f"*{number}*") for number in range(50)]
    provider.script(Answer("Everything at once.", many), DONE)
    view, events = end_of(agent, submit(agent))
    assert view["state"] == "completed"
    failed = [e["error"] for e in events if e["type"] == "action_failed"]
    listed = [e for e in events if e["type"] == "action_succeeded" and e["tool"] == "list_files"]
    assert (len(listed), failed) == (16, ["too_many_calls"] * 34)


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ([Raw(b"<html>busy</html>", "text/html")] * 3, "model_unusable"),
        ([Answer("")] * 3, "model_unusable"),
        ([Answer(endless="text")] * 3, "model_unusable"),
        ([Answer(endless="arguments")] * 3, "model_unusable"),
        ([Refusal(401, "Incorrect API key provided.")], "model_rejected"),
        ([Answer("", [call("fly")])] * 3, "failed_steps"),
        ([Answer("", [call("list_files")])] * 4, "stuck"),
    ],
    ids=["garbage", "empty", "endless text", "endless arguments", "401", "same failure", "stuck"],
)
def test_a_model_that_is_of_no_use_ends_the_task_and_not_the_agent(
    agent: Serving, provider: OpenAIServer, replies: list[Answer], code: str
) -> None:
    provider.script(*replies)
    view, _ = end_of(agent, submit(agent))
    assert (view["state"], view["error"]["code"]) == ("failed", code), view
    assert httpx.get(f"{agent.url}/health/ready").status_code == 200


def test_a_provider_that_is_busy_is_asked_again(agent: Serving, provider: OpenAIServer) -> None:
    provider.script(Refusal(429, "Slow down.", headers={"Retry-After": "1"}), DONE)
    view, events = end_of(agent, submit(agent))
    assert view["state"] == "completed"
    (failed,) = (e for e in events if e["type"] == "model_call_failed")
    assert (failed["code"], "retry_at" in failed) == ("rate_limited", True)


def test_a_stop_in_a_model_call_keeps_what_was_said_and_spent(
    agent: Serving, provider: OpenAIServer
) -> None:
    provider.script(Answer("One two three four.", stall_after=4))
    asked_before = len(provider.requests)
    task_id = submit(agent)
    _until_asked(provider, asked_before + 1)
    assert httpx.post(f"{agent.url}/tasks/{task_id}/stop").status_code == 202
    view, events = end_of(agent, task_id)
    (thought,) = (e for e in events if e["type"] == "thought_recorded")
    assert (view["state"], thought["interrupted"]) == ("stopped", True)
    assert "One two three four.".startswith(thought["text"])
    assert thought["text"]
    assert view["spent"]["input_tokens"] > 0


def test_a_message_steers_and_an_answer_is_waited_for(
    agent: Serving, provider: OpenAIServer
) -> None:
    provider.script(Answer("", [call("ask_user", question="Red or blue?")]), DONE)
    task_id = submit(agent)
    view = wait_for_state(agent.url, task_id, ("waiting",))
    assert (view["waiting_for"], view["question"]) == (["message"], "Red or blue?")
    said = httpx.post(f"{agent.url}/tasks/{task_id}/messages", json={"text": "Blue."})
    assert said.status_code == 202
    view, events = end_of(agent, task_id)
    assert view["state"] == "completed"
    (added,) = (e for e in events if e["type"] == "message_added")
    assert added["command_id"] == said.json()["command_id"]
    asked = next(m for m in provider.requests[-1].messages if m["role"] == "tool")
    assert asked["content"] == "Blue."


def _until_asked(provider: OpenAIServer, number: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        asked = list(provider.requests)
        if len(asked) >= number and asked[-1].waiting.wait(0.05):
            return
        time.sleep(0.01)
    raise TimeoutError("the provider was not asked")

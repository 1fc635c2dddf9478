"""Whatever arrives, the answer is a problem with a stable code, and the next request is fine."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from steersman.core.commands import MAX_TEXT_CHARACTERS
from tests.agent.api.driving import assert_problem

JSON = {"Content-Type": "application/json"}
UNKNOWN = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff\xfe", b"nonsense", b'{"goal": "\\ud8"}', b"[" * 100_000],
    ids=["cut", "empty", "no UTF-8", "no JSON", "half an escape", "deep"],
)
async def test_what_is_no_json_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/tasks", content=body, headers=JSON)
    if body == b"":
        assert_problem(answer, 422, "invalid")
    else:
        assert_problem(answer, 400, "malformed")


async def test_json_must_be_announced(client: httpx.AsyncClient) -> None:
    answer = await client.post("/tasks", content=b'{"goal": "x"}')
    problem = assert_problem(answer, 400, "malformed")
    assert "Content-Type" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "goal"),
        ({"goal": ""}, "goal"),
        ({"goal": " \n"}, "goal"),
        ({"goal": 1}, "goal"),
        ({"goal": None}, "goal"),
        ({"goal": "x" * (MAX_TEXT_CHARACTERS + 1)}, "goal"),
        ({"goal": "x" * 1_000_000}, "goal"),
        ({"goal": "a\0b"}, "goal"),
        ({"goal": "a\ud800"}, "goal"),
        ({"goal": "x", "colour": "red"}, "colour"),
        ({"goal": "x", "\ud800": 1}, ""),
        ({"goal": "x", "role": "a\ud800"}, "role"),
        ({"goal": "x", "conversation_id": "mine"}, "conversation_id"),
        ({"goal": "x", "workspace": "a/b"}, "workspace"),
        ({"goal": "x", "workspace": ".."}, "workspace"),
        ({"goal": "x", "workspace": ".git"}, "workspace"),
        ({"goal": "x", "workspace": "a\n"}, "workspace"),
        ({"goal": "x", "workspace": "x" * 65}, "workspace"),
        ({"goal": "x", "on_busy": "queue"}, "on_busy"),
        ({"goal": "x", "limits": {"max_steps": 0}}, "limits.max_steps"),
        ({"goal": "x", "limits": {"max_steps": "3"}}, "limits.max_steps"),
        ({"goal": "x", "limits": {"max_steps": True}}, "limits.max_steps"),
        ({"goal": "x", "limits": {"max_seconds": float("nan")}}, "limits.max_seconds"),
        ({"goal": "x", "limits": {"patience": 1}}, "limits.patience"),
        ({"goal": "x", "limits": [1]}, "limits"),
        (["goal"], ""),
        ("goal", ""),
    ],
)  # fmt: skip
async def test_a_wrong_value_is_named(client: httpx.AsyncClient, body: Any, field: str) -> None:
    answer = await client.post("/tasks", content=json.dumps(body), headers=JSON)
    problem = assert_problem(answer, 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert (await client.get("/tasks")).json()["items"] == []


async def test_an_unknown_role_is_invalid(client: httpx.AsyncClient) -> None:
    answer = await client.post("/tasks", json={"goal": "x", "role": "wizard"})
    assert "developer" in assert_problem(answer, 422, "invalid")["detail"]


@pytest.mark.parametrize("key", ["", "x" * 201, "two words"])
async def test_a_command_id_is_one_short_word(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/tasks", json={"goal": "x"}, headers={"Idempotency-Key": key})
    assert assert_problem(answer, 422, "invalid")["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("text", ["", "  ", "a\0", "\udc00", "x" * (MAX_TEXT_CHARACTERS + 1)])
async def test_a_message_needs_words(client: httpx.AsyncClient, task_id: str, text: str) -> None:
    body = json.dumps({"text": text})
    answer = await client.post(f"/tasks/{task_id}/messages", content=body, headers=JSON)
    assert_problem(answer, 422, "invalid")


async def test_a_reason_must_be_clean(client: httpx.AsyncClient, task_id: str) -> None:
    answer = await client.post(
        f"/tasks/{task_id}/stop", content=b'{"reason": "\\u0000"}', headers=JSON
    )
    assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("task_id", [UNKNOWN, "nonsense", "1", "%00", "a" * 5000, f"{{{UNKNOWN}}}"])
@pytest.mark.parametrize("part", ["", "/events", "/files", "/files/a", "/diff", "/archive"])
async def test_an_unknown_task_is_not_found(
    client: httpx.AsyncClient, task_id: str, part: str
) -> None:
    assert_problem(await client.get(f"/tasks/{task_id}{part}"), 404, "task_not_found")


@pytest.mark.parametrize("verb", ["messages", "stop"])
async def test_an_unknown_task_takes_no_command(client: httpx.AsyncClient, verb: str) -> None:
    body = {"text": "x"} if verb == "messages" else {}
    answer = await client.post(f"/tasks/{UNKNOWN}/{verb}", json=body)
    assert_problem(answer, 404, "task_not_found")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/events", "after=-1"),
        ("/events", "after=x"),
        ("/events", f"after={2**53}"),
        ("/events", "limit=0"),
        ("/events", "limit=1001"),
        ("/events", "aftr=1"),
        ("", "min_seq=-1"),
        ("", "seq=1"),
    ],
)
async def test_a_bad_cursor_is_invalid(
    client: httpx.AsyncClient, task_id: str, path: str, query: str
) -> None:
    answer = await client.get(f"/tasks/{task_id}{path}?{query}")
    assert assert_problem(answer, 422, "invalid")["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize(
    "query",
    ["state=asleep", "limit=0", "limit=201", "conversation_id=x", "cursor=%00", "colour=red"],
)
async def test_a_bad_filter_is_invalid(client: httpx.AsyncClient, query: str) -> None:
    assert_problem(await client.get(f"/tasks?{query}"), 422, "invalid")


async def test_a_cursor_past_the_end_is_a_conflict(client: httpx.AsyncClient, task_id: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        answer = await client.get(f"/tasks/{task_id}/events?after=2", headers={"Accept": accept})
        assert_problem(answer, 409, "cursor_ahead")


async def test_other_methods_are_refused_with_those_that_are_known(
    client: httpx.AsyncClient, task_id: str
) -> None:
    tasks = await client.delete("/tasks")
    task = await client.patch(f"/tasks/{task_id}")
    assert_problem(tasks, 405, "method_not_allowed")
    assert sorted(tasks.headers["allow"].split(", ")) == ["GET", "POST"]
    assert_problem(task, 405, "method_not_allowed")
    assert task.headers["allow"] == "DELETE, GET"


async def test_other_paths_are_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/", "/tasks/", "/nothing", "/tasks/a/b/c", "/health/"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_too_large_is_not_parsed(client: httpx.AsyncClient) -> None:
    large = b'{"goal": "' + b"x" * 1024 * 1024 + b'"}'

    async def streamed() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    announced = await client.post("/tasks", content=large, headers=JSON)
    silent = await client.post("/tasks", content=streamed(), headers=JSON)
    for answer in (announced, silent):
        assert_problem(answer, 413, "too_large")


async def test_a_large_body_can_read_its_refusal(address: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.post("/tasks", content=b" " * 5_000_000, headers=JSON)
        assert_problem(answer, 413, "too_large")
        assert (await client.get("/tasks")).status_code == 200

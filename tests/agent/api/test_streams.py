"""A log as server-sent events, from a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from steersman.api.dependencies import ApiDependencies
from steersman.api.ports import StreamTiming
from steersman.core.deltas import Delta
from steersman.core.events import MessageAdded, TaskClaimed, TaskCompleted
from steersman.core.ids import LOCAL_OWNER, MessageId, TaskId, WorkerId
from steersman.core.new_task import NewTask
from tests.agent.api.driving import STREAM, assert_problem, messages, serving, until
from tests.agent.api.fakes import InMemoryTasks

CLAIMED = TaskClaimed(worker_id=WorkerId("w"), attempt=1, reason="new")
DONE = TaskCompleted(result="Fertig: \N{PARTY POPPER}\n\ndata: no")
TIMEOUT = httpx.Timeout(10)


@pytest.fixture
async def remote(address: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=TIMEOUT) as client:
        yield client


@pytest.fixture
async def task_id(tasks: InMemoryTasks) -> TaskId:
    accepted = await tasks.submit(NewTask(goal="Make it work"), LOCAL_OWNER)
    return TaskId(accepted["task_id"])


def said(text: str) -> MessageAdded:
    return MessageAdded(message_id=MessageId("m"), text=text, author_id=LOCAL_OWNER)


async def test_a_stream_tells_what_was_and_what_comes_until_the_end(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    async with remote.stream("GET", f"/tasks/{task_id}/events", headers=STREAM) as answer:
        heard = (message async for message in messages(answer) if "event" in message)
        submitted = await anext(heard)
        await tasks.play(task_id, CLAIMED, Delta(task_id, 1, 1, 0, "Hm\ud83d"))
        claimed, delta = await anext(heard), await anext(heard)
        await tasks.play(task_id, DONE)
        rest = [message async for message in heard]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    told = [submitted, claimed, *rest]
    assert [(m["id"], m["event"]) for m in told] == [
        ("1", "task_submitted"),
        ("2", "task_claimed"),
        ("3", "task_completed"),
    ]
    assert [json.loads(m["data"]) for m in told] == [e.to_wire() for e in tasks.logs[task_id]]
    assert (delta["event"], "id" in delta) == ("delta", False)
    assert json.loads(delta["data"])["text"] == "Hm\ufffd"


async def test_a_stream_goes_on_after_the_last_event_id_whatever_the_cursor(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    await tasks.play(task_id, CLAIMED, said("Hello"), DONE)
    path = f"/tasks/{task_id}/events"
    by_id = await remote.get(path, params={"after": 9}, headers={**STREAM, "Last-Event-ID": "2"})
    by_cursor = await remote.get(path, params={"after": 3}, headers={**STREAM, "Last-Event-ID": ""})
    at_the_end = await remote.get(path, params={"after": 4}, headers=STREAM)
    assert [line for line in by_id.text.splitlines() if line.startswith("id:")] == [
        "id: 3",
        "id: 4",
    ]
    assert by_cursor.text.startswith("id: 4\nevent: task_completed\ndata: {")
    assert (at_the_end.status_code, at_the_end.text) == (200, "")


async def test_a_stream_that_cannot_begin_is_a_problem(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    path = f"/tasks/{task_id}/events"
    ahead = await remote.get(path, headers={**STREAM, "Last-Event-ID": "2"})
    wrong = await remote.get(path, headers={**STREAM, "Last-Event-ID": "x"})
    tasks.down = True
    away = await remote.get(path, headers=STREAM)
    assert_problem(ahead, 409, "cursor_ahead")
    assert_problem(wrong, 422, "invalid")
    assert_problem(away, 503, "store_unavailable")


async def test_silence_is_filled_with_comments(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    async with remote.stream("GET", f"/tasks/{task_id}/events?after=1", headers=STREAM) as answer:
        lines = answer.aiter_lines()
        assert [await anext(lines), await anext(lines)] == [": heartbeat", ""]
        assert [await anext(lines), await anext(lines)] == [": heartbeat", ""]


async def test_who_leaves_is_forgotten(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    async with remote.stream("GET", f"/tasks/{task_id}/events", headers=STREAM) as answer:
        await anext(answer.aiter_lines())
        assert tasks.watchers == 1
    await until(lambda: tasks.watchers == 0)


async def test_a_stream_ends_early_when_the_store_does(
    remote: httpx.AsyncClient, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    async with remote.stream("GET", f"/tasks/{task_id}/events", headers=STREAM) as answer:
        heard = messages(answer)
        await anext(heard)
        tasks.down = True
        await tasks.play(task_id)
        assert [message async for message in heard if "event" in message] == []
    assert tasks.watchers == 0


async def test_streams_end_when_the_server_does(
    api: ApiDependencies, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    async with (
        asyncio.timeout(3),
        httpx.AsyncClient(timeout=TIMEOUT) as client,
        serving(api) as address,
        client.stream("GET", f"http://{address}/tasks/{task_id}/events", headers=STREAM) as answer,
    ):
        heard = messages(answer)
        await anext(heard)
        api.closing.set()
        assert [message async for message in heard if "event" in message] == []
    assert tasks.watchers == 0


@pytest.mark.slow  # megabytes
async def test_who_takes_nothing_is_cut_and_goes_on_by_cursor(
    api: ApiDependencies, tasks: InMemoryTasks, task_id: TaskId
) -> None:
    patient = replace(api, timing=StreamTiming(timedelta(hours=1), timedelta(seconds=0.2)))
    await tasks.play(task_id, *(said("x" * 30_000) for _ in range(1_000)))
    async with serving(patient) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        request = f"GET /tasks/{task_id}/events HTTP/1.1\r\nHost: {address}\r\n"
        writer.write(f"{request}Accept: text/event-stream\r\n\r\n".encode())
        await until(lambda: tasks.watchers == 1)
        await until(lambda: tasks.watchers == 0)
        received = await reader.read()
        writer.close()
        last = received.rpartition(b"\nid: ")[2].split(b"\n")[0].decode()
        assert int(last) < 1_000
        await tasks.play(task_id, DONE)
        headers = {**STREAM, "Last-Event-ID": last}
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=TIMEOUT) as client:
            rest = await client.get(f"/tasks/{task_id}/events", headers=headers)
    ids = [int(line[4:]) for line in rest.text.splitlines() if line.startswith("id: ")]
    assert ids == list(range(int(last) + 1, 1_003))

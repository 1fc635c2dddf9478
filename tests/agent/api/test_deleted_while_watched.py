"""A task that is deleted while it is watched: each transport ends the watch and says why."""

import json

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from steersman.core.ids import TaskId
from tests.agent.api.driving import STREAM, messages, until
from tests.agent.api.fakes import InMemoryTasks
from tests.agent.api.test_tasks import CLAIMED


async def delete(tasks: InMemoryTasks, task_id: str) -> None:
    """Delete a log and wake whoever watches it."""
    await until(lambda: tasks.watchers == 1)
    del tasks.logs[TaskId(task_id)]
    await tasks.play(TaskId(task_id))


async def test_a_stream_ends_and_cannot_begin_again(address: str, tasks: InMemoryTasks) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        task_id = (await client.post("/tasks", json={"goal": "x"})).json()["task_id"]
        await tasks.play(TaskId(task_id), CLAIMED)
        events = f"/tasks/{task_id}/events"
        async with client.stream("GET", events, headers=STREAM) as response:
            reading = messages(response)
            seen = [await anext(reading), await anext(reading)]
            await delete(tasks, task_id)
            rest = [message async for message in reading if "id" in message]
        assert [message["id"] for message in seen] == ["1", "2"]
        assert rest == []
        assert (await client.get(events, headers=STREAM)).status_code == 404


async def test_a_client_of_the_json_protocol_gets_an_error_for_that_watch(
    address: str, tasks: InMemoryTasks
) -> None:
    protocols = [Subprotocol("steersman.v1.json")]
    async with connect(f"ws://{address}/ws/chat", subprotocols=protocols) as socket:
        await socket.send(json.dumps({"type": "submit_task", "goal": "x"}))
        task_id = json.loads(await socket.recv())["task_id"]
        await socket.send(json.dumps({"type": "watch", "task_id": task_id}))
        assert json.loads(await socket.recv())["type"] == "task_submitted"
        await delete(tasks, task_id)
        error = json.loads(await socket.recv())
        assert (error["type"], error["task_id"], error["status"], error["code"]) == (
            "error", task_id, 404, "task_not_found",
        )  # fmt: skip


async def test_a_plain_text_client_is_told_in_words(address: str, tasks: InMemoryTasks) -> None:
    async with connect(f"ws://{address}/ws/chat") as socket:
        await socket.send("x")
        accepted = str(await socket.recv())
        task_id = accepted.split("task_id: ")[1].split("\n")[0]
        await delete(tasks, task_id)
        said = ""
        while not said.startswith("EVENT: FATAL_ERROR"):
            said = str(await socket.recv())
        assert said == "EVENT: FATAL_ERROR\nThe task was deleted."

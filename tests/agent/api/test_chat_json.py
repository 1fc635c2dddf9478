"""The JSON protocol on a real store: every command is answered, or refused, under its id."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from steersman.api.chat_json import JSON_PROTOCOL
from steersman.api.dependencies import ApiDependencies
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER
from tests.agent.api.driving import serving
from tests.agent.core.asking_place import Place, run
from tests.agent.postgres.making import opened

pytestmark = pytest.mark.slow  # waits for many tasks on a real store

NOWHERE = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"


@dataclass
class Chat:
    """A client of the protocol, and the workers that do what it says."""

    socket: ClientConnection
    place: Place

    async def says(self, kind: str, **fields: Any) -> JsonObject:
        """Send one frame and return what comes back."""
        await self.socket.send(json.dumps({"type": kind, **fields}))
        return json.loads(await self.socket.recv())

    async def submits(self, command_id: str = "submit") -> str:
        accepted = await self.says("submit_task", goal="make it work", command_id=command_id)
        assert (accepted["type"], accepted["command_id"]) == ("answer", command_id)
        return accepted["task_id"]

    async def pending(self) -> JsonObject:
        """Work until something waits for a person, and return it."""
        await self.place.people.work()
        (shown,) = await self.place.people.pending(LOCAL_OWNER)
        return shown


@pytest.fixture
async def chat(api: ApiDependencies, database_url: str) -> AsyncGenerator[Chat]:
    async with opened(database_url) as store:
        place = Place(store, run("x"))
        people = place.people
        real = replace(api, tasks=people.tasks, approvals=people.approvals)
        async with (
            serving(real) as address,
            connect(f"ws://{address}/ws/chat", subprotocols=[Subprotocol(JSON_PROTOCOL)]) as socket,
        ):
            yield Chat(socket, place)


async def test_a_task_is_submitted_once_under_its_id(chat: Chat) -> None:
    task_id = await chat.submits()
    assert await chat.submits() == task_id
    other = await chat.says("submit_task", goal="something else", command_id="submit")
    assert (other["type"], other["command_id"]) == ("error", "submit")
    assert (other["status"], other["code"]) == (409, "command_conflict")


async def test_each_command_is_answered_under_its_id_and_with_its_task(chat: Chat) -> None:
    task_id = await chat.submits()
    found = [
        await chat.says(kind, task_id=task_id, command_id=f"id-{kind}", **fields)
        for kind, fields in (
            ("pause_task", {}),
            ("resume_task", {}),
            ("add_message", {"text": "Use tabs."}),
            ("stop_task", {"reason": "enough"}),
        )
    ]
    assert found == [
        {
            "type": "answer",
            "task_id": task_id,
            "status": 202,
            "command_id": f"id-{kind}",
            "state": state,
        }
        for kind, state in (
            ("pause_task", "queued"),
            ("resume_task", "waiting"),
            ("add_message", "queued"),
            ("stop_task", "queued"),
        )
    ]


async def test_a_command_without_an_id_is_answered_with_one(chat: Chat) -> None:
    answer = await chat.says("pause_task", task_id=await chat.submits())
    assert len(answer["command_id"]) == 36


@pytest.mark.parametrize("kind", ["pause_task", "resume_task", "add_message"])
async def test_a_command_to_a_task_that_ended_is_an_error_with_its_id(
    chat: Chat, kind: str
) -> None:
    task_id = await chat.submits()
    await chat.says("stop_task", task_id=task_id)
    text = {"text": "Hello."} if kind == "add_message" else {}
    refused = await chat.says(kind, task_id=task_id, command_id="late", **text)
    assert (refused["type"], refused["command_id"], refused["task_id"]) == (
        "error",
        "late",
        task_id,
    )
    assert (refused["status"], refused["code"]) == (409, "task_ended")
    again = await chat.says("stop_task", task_id=task_id, command_id="again")
    assert (again["type"], again["state"]) == ("answer", "stopped")


async def test_an_approval_is_decided_once(chat: Chat) -> None:
    task_id = await chat.submits()
    shown = await chat.pending()
    wish = {key: shown[key] for key in ("approval_id", "arguments_sha256")}
    changed = await chat.says(
        "decide_approval", **{**wish, "arguments_sha256": "0" * 64}, decision="approve"
    )
    assert (changed["status"], changed["code"]) == (409, "approval_changed")
    answer = await chat.says("decide_approval", **wish, decision="approve", command_id="yes")
    assert answer == {
        "type": "answer",
        "status": 202,
        "command_id": "yes",
        "approval_id": shown["approval_id"],
        "task_id": task_id,
        "state": "approved",
    }
    second = await chat.says("decide_approval", **wish, decision="reject", command_id="no")
    assert (second["type"], second["command_id"]) == ("error", "no")
    assert (second["status"], second["code"]) == (409, "approval_decided")
    await chat.place.people.work()
    assert chat.place.ran == ["x"]


@pytest.mark.parametrize(
    ("frame", "status", "code", "field"),
    [
        ({"type": "pause_task", "task_id": NOWHERE}, 404, "task_not_found", None),
        ({"type": "resume_task", "task_id": "x"}, 422, "invalid", "task_id"),
        ({"type": "stop_task", "task_id": NOWHERE, "why": "x"}, 422, "invalid", "why"),
        ({"type": "add_message", "task_id": NOWHERE, "text": " "}, 422, "invalid", "text"),
        ({"type": "submit_task", "goal": ""}, 422, "invalid", "goal"),
        (
            {
                "type": "decide_approval",
                "approval_id": NOWHERE,
                "decision": "approve",
                "arguments_sha256": "0" * 64,
            },
            404,
            "approval_not_found",
            None,
        ),
        ({"type": "decide_approval", "approval_id": NOWHERE}, 422, "invalid", "decision"),
        ({"type": "fly"}, 422, "invalid", ""),
    ],
)
async def test_what_cannot_be_done_is_an_error_with_its_id(
    chat: Chat, frame: JsonObject, status: int, code: str, field: str | None
) -> None:
    fields = {key: value for key, value in frame.items() if key != "type"}
    refused = await chat.says(frame["type"], **fields, command_id="wrong")
    assert (refused["type"], refused["command_id"]) == ("error", "wrong")
    assert (refused["status"], refused["code"]) == (status, code)
    assert refused["detail"]
    named = [each["field"] for each in refused.get("errors", [])]
    assert field in named if field is not None else named == []
    assert (await chat.says("pause_task", task_id=await chat.submits()))["type"] == "answer"

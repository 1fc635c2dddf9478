"""What belongs to somebody else is not there: by every route of the document, by every frame."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from steersman.api.application import create_api
from steersman.api.chat_json import JSON_PROTOCOL
from steersman.core.errors import TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER, TaskId
from tests.agent.api.driving import client_of, serving
from tests.agent.bridge.conftest import Agent
from tests.agent.bridge.signing import ALICE, BOB
from tests.agent.workspaces.archives import file, tar

pytestmark = pytest.mark.slow  # a whole agent

NOBODYS = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"

BODIES: Mapping[tuple[str, str], JsonObject] = {
    ("post", "/tasks/{task_id}/messages"): {"text": "Hello."},
    ("post", "/tasks/{task_id}/stop"): {},
    ("post", "/approvals/{approval_id}"): {"decision": "approve", "arguments_sha256": "0" * 64},
    ("patch", "/conversations/{conversation_id}"): {"title": "Mine"},
}
"""What is sent where a body is needed."""

OF_NOBODY = {"/roles", "/tools", "/health", "/health/live", "/health/ready"}
"""Paths that show nothing of anybody."""

BY_OWNER = {("post", "/tasks"), ("put", "/workspaces/{name}")}
"""What they make is the asker's own, under whatever name."""

LISTS = {"/tasks", "/approvals", "/conversations"}

NUMBERS = {"/overview"}
"""Paths that count what is the asker's."""


@dataclass(frozen=True, slots=True)
class Place:
    """A task of Alice's that waits for her, and whoever asks for it."""

    agent: Agent
    http: httpx.AsyncClient
    ids: Mapping[str, str]

    def bearer(self, person: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.agent.signer.token(person)}"}

    async def ask(
        self, person: str, method: str, path: str, ids: Mapping[str, str]
    ) -> httpx.Response:
        body = BODIES.get((method, path))
        headers = self.bearer(person)
        url = path.format_map(ids)
        return await self.http.request(method.upper(), url, json=body, headers=headers)


@pytest.fixture
async def place(agent: Agent) -> AsyncGenerator[Place]:
    async with client_of(agent.api, "http://agent.example.com") as http:
        alice = {"Authorization": f"Bearer {agent.signer.token(ALICE)}"}
        wish = {"goal": "ask", "workspace": "w"}
        made = (await http.post("/tasks", json=wish, headers=alice)).raise_for_status().json()
        async with connect_chat(agent, ALICE) as chat:
            await waits_for_approval(chat, made["task_id"])
        (shown,) = (await http.get("/approvals", headers=alice)).json()["items"]
        ids = {
            "task_id": made["task_id"],
            "conversation_id": made["conversation_id"],
            "approval_id": shown["approval_id"],
            "path": "a.txt",
            "sha256": "a" * 64,
        }
        yield Place(agent, http, ids)


@asynccontextmanager
async def connect_chat(agent: Agent, person: str) -> AsyncIterator[ClientConnection]:
    async with (
        serving(agent.api) as address,
        connect(
            f"ws://{address}/ws/chat",
            subprotocols=[Subprotocol(JSON_PROTOCOL)],
            additional_headers={"Authorization": f"Bearer {agent.signer.token(person)}"},
        ) as chat,
    ):
        yield chat


async def says(chat: ClientConnection, kind: str, **fields: Any) -> JsonObject:
    await chat.send(json.dumps({"type": kind, **fields}))
    return json.loads(await chat.recv())


async def waits_for_approval(chat: ClientConnection, task_id: str) -> None:
    event = await says(chat, "watch", task_id=task_id)
    while event["type"] != "approval_requested":
        event = json.loads(await chat.recv())


def operations(agent: Agent) -> list[tuple[str, str]]:
    document = create_api(agent.api).openapi()
    return [(method, path) for path, item in document["paths"].items() for method in item]


async def test_by_every_route_other_peoples_things_are_as_if_they_were_not(place: Place) -> None:
    nobodys = {**place.ids, **dict.fromkeys(("task_id", "conversation_id", "approval_id"), NOBODYS)}
    looked_at = 0
    for method, path in operations(place.agent):
        if "{" not in path or (method, path) in BY_OWNER:
            assert path in OF_NOBODY | LISTS | NUMBERS or (method, path) in BY_OWNER
            continue
        theirs = await place.ask(BOB, method, path, place.ids)
        absent = await place.ask(BOB, method, path, nobodys)
        assert theirs.status_code == 404, (method, path)
        assert theirs.json() == absent.json(), (method, path)
        looked_at += 1
    assert looked_at >= 15
    for path in LISTS:
        answer = await place.http.get(path, headers=place.bearer(BOB))
        assert answer.json()["items"] == [], path
    numbers = (await place.http.get("/overview", headers=place.bearer(BOB))).json()
    assert (numbers["tasks"]["waiting"], numbers["pending_approvals"]) == (0, 0)


async def test_their_owner_finds_them(place: Place) -> None:
    for path in ("/tasks/{task_id}", "/tasks/{task_id}/events", "/tasks/{task_id}/files",
                 "/tasks/{task_id}/archive", "/approvals/{approval_id}"):  # fmt: skip
        assert (await place.ask(ALICE, "get", path, place.ids)).status_code == 200, path
    for path in LISTS:
        answer = await place.http.get(path, headers=place.bearer(ALICE))
        assert len(answer.json()["items"]) == 1, path
    numbers = (await place.http.get("/overview", headers=place.bearer(ALICE))).json()
    assert (numbers["tasks"]["waiting"], numbers["pending_approvals"]) == (1, 1)
    renamed = await place.ask(ALICE, "patch", "/conversations/{conversation_id}", place.ids)
    assert renamed.json()["title"] == "Mine"


async def test_the_local_owner_is_one_of_the_others(place: Place) -> None:
    with pytest.raises(TaskNotFound):
        await place.agent.api.tasks.view(TaskId(place.ids["task_id"]), LOCAL_OWNER)


async def test_by_every_frame_other_peoples_things_are_as_if_they_were_not(place: Place) -> None:
    task_id, approval_id = place.ids["task_id"], place.ids["approval_id"]
    decision = {"decision": "approve", "arguments_sha256": "0" * 64}
    async with connect_chat(place.agent, BOB) as chat:
        for kind, fields in (
            ("watch", {"task_id": task_id}),
            ("add_message", {"task_id": task_id, "text": "Hello."}),
            ("stop_task", {"task_id": task_id}),
            ("pause_task", {"task_id": task_id}),
            ("resume_task", {"task_id": task_id}),
            ("decide_approval", {"approval_id": approval_id, **decision}),
        ):
            refused = await says(chat, kind, **fields)
            assert (refused["type"], refused["status"]) == ("error", 404), kind
        conversation = place.ids["conversation_id"]
        refused = await says(chat, "submit_task", goal="x", conversation_id=conversation)
        assert (refused["type"], refused["status"]) == ("error", 404)


async def test_a_workspace_by_the_same_name_is_another_one(place: Place) -> None:
    for person in (ALICE, BOB):
        content = tar(file("whose.txt", person.encode()))
        headers = place.bearer(person)
        put = await place.http.put("/workspaces/shared", content=content, headers=headers)
        assert put.status_code == 201, put.text
    put_by = {path.read_text() for path in place.agent.app.settings.workspaces.rglob("whose.txt")}
    assert put_by == {ALICE, BOB}

"""The people of the chaos run outlast its tasks, however late the last one is accepted."""

import asyncio
import json
import random
import time
from typing import Any, cast

import httpx
from fastapi import FastAPI, Response

from tests.chaos.people import People
from tests.chaos.stranger import Stranger
from tests.chaos.world import World

APPROVAL = {"approval_id": "a", "task_id": "t", "arguments_sha256": "0"}


class Calm(World):
    """A world in which nothing breaks."""

    async def destroy(self, until: float) -> None: ...

    async def sample_copies(self, until: float) -> None: ...


def late_agent(until: float) -> tuple[FastAPI, list[str]]:
    """Make an agent that accepts its task well after then; it ends when it is approved."""
    agent, approved, accepted = FastAPI(), list[str](), asyncio.Event()

    @agent.post("/tasks", status_code=202)
    async def _() -> object:
        await asyncio.sleep(until + 0.5 - time.monotonic())
        accepted.set()
        return {"task_id": "t"}

    @agent.get("/approvals")
    async def _() -> object:
        return {"items": [APPROVAL] if accepted.is_set() and not approved else []}

    @agent.post("/approvals/{approval_id}")
    async def _(approval_id: str) -> object:
        approved.append(approval_id)
        return {"state": "approved"}

    @agent.get("/tasks/t/events")
    async def _() -> Response:
        end = json.dumps({"seq": 1, "type": "task_completed"})
        return Response(f"id: 1\ndata: {end}\n\n" if approved else "", 200 if approved else 503)

    return agent, approved


async def test_an_approval_is_decided_though_its_task_was_accepted_after_the_end() -> None:
    until = time.monotonic() + 0.2
    agent, approved = late_agent(until)
    transport = httpx.ASGITransport(agent)
    async with httpx.AsyncClient(transport=transport, base_url="http://agent") as http:
        people = People(http, str, random.Random(1))
        stranger = Stranger(http, str, random.Random(1), ())
        nothing = cast(Any, None)
        world = Calm(
            random=random.Random(1),
            database=nothing,
            proxy=nothing,
            redis=nothing,
            agents=nothing,
            people=people,
            stranger=stranger,
            orders=nothing,
            dsn="",
        )
        async with asyncio.timeout(20):
            await world.live_through(until)
    assert approved == ["a"]
    assert [one.kind for one in people.acknowledged] in (["approve"], ["reject"])

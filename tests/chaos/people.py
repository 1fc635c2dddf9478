"""Those who use the system meanwhile, in every way that there is, and what they were promised."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from steersman.core.clock import SystemClock, new_id
from steersman.core.events import JsonObject

FINAL_TYPES = ("task_completed", "task_failed", "task_stopped")
GOAL = "survive"
_PATIENCE = httpx.Timeout(5.0, read=3.0)


@dataclass(slots=True)
class Acknowledged:
    """A command that was accepted: an event must answer it, once."""

    task_id: str
    command_id: str
    kind: str
    at: float


@dataclass(slots=True)
class Seen:
    """What a watcher has been shown of a task."""

    task_id: str
    seqs: list[int] = field(default_factory=list[int])
    resumes: int = 0
    final: bool = False


@dataclass(slots=True)
class People:
    """Everybody. `address` gives some agent's URL, which may be dead."""

    http: httpx.AsyncClient
    address: Callable[[], str]
    random: random.Random
    tasks: list[str] = field(default_factory=list[str])
    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    watchers: list[Seen] = field(default_factory=list[Seen])
    refused: int = 0

    async def submit(self) -> str:
        """Submit a task, again and again with the same key until it is accepted."""
        key, name = new_id(SystemClock()), f"w{len(self.tasks)}"
        body = {"goal": GOAL, "workspace": name}
        while True:
            answer = await self._post("/tasks", body, key)
            if answer is not None and answer.status_code == 202:
                task_id = answer.json()["task_id"]
                self.tasks.append(task_id)
                return task_id
            await asyncio.sleep(0.1)

    async def command(self, task_id: str) -> None:
        """Say something to a task, pause it for a moment, or stop it, as people do."""
        kind, body = self.random.choices(
            (
                ("messages", {"text": "Go on, please."}),
                ("stop", {"reason": "enough"}),
                ("pause", {}),
            ),
            (4, 1, 2),
        )[0]
        await self._insist(task_id, kind, f"/tasks/{task_id}/{kind}", body)
        if kind == "pause":
            await asyncio.sleep(self.random.uniform(0, 1))
            await self._insist(task_id, "resume", f"/tasks/{task_id}/resume", {})

    async def decide(self) -> None:
        """Approve or refuse what waits for it, until this is cancelled."""
        while True:
            for approval in await self._pending():
                decision = self.random.choices(("approve", "reject"), (5, 1))[0]
                sha256 = approval["arguments_sha256"]
                body = {"decision": decision, "arguments_sha256": sha256}
                path = f"/approvals/{approval['approval_id']}"
                await self._insist(approval["task_id"], decision, path, body)
            await asyncio.sleep(0.2)

    async def _pending(self) -> list[JsonObject]:
        try:
            url = f"{self.address()}/approvals?state=pending"
            answer = await self.http.get(url, timeout=_PATIENCE)
        except httpx.HTTPError:
            return []
        return answer.json()["items"] if answer.status_code == 200 else []

    async def _insist(self, task_id: str, kind: str, path: str, body: JsonObject) -> None:
        """Send a command again and again with the same key, until there is an answer."""
        key = new_id(SystemClock())
        while True:
            answer = await self._post(path, body, key)
            if answer is not None and answer.status_code < 300:
                # Another task's end may have been first: then the answer's state is final.
                if answer.json()["state"] not in ("completed", "failed", "stopped"):
                    self.acknowledged.append(Acknowledged(task_id, key, kind, time.time()))
                return
            if answer is not None and answer.status_code < 500:
                self.refused += 1
                return
            await asyncio.sleep(0.1)

    async def watch(self, task_id: str) -> None:
        """Follow a task to its end over connections that break."""
        seen = Seen(task_id)
        self.watchers.append(seen)
        while not seen.final:
            try:
                async for event in self._stream(seen):
                    seen.seqs.append(event["seq"])
                    seen.final = event["type"] in FINAL_TYPES
            except (httpx.HTTPError, ValueError):
                seen.resumes += 1
                await asyncio.sleep(0.1)

    async def _stream(self, seen: Seen) -> AsyncIterator[JsonObject]:
        headers = {
            "Accept": "text/event-stream",
            "Last-Event-ID": str(seen.seqs[-1] if seen.seqs else 0),
        }
        url = f"{self.address()}/tasks/{seen.task_id}/events"
        timeout = httpx.Timeout(5.0, read=20.0)
        async with self.http.stream("GET", url, headers=headers, timeout=timeout) as response:
            response.raise_for_status()
            has_id = False
            async for line in response.aiter_lines():
                if line.startswith("id:"):
                    has_id = True
                elif line.startswith("data:") and has_id:
                    has_id = False
                    yield json.loads(line.removeprefix("data:"))

    async def _post(self, path: str, body: JsonObject, key: str) -> httpx.Response | None:
        headers = {"Idempotency-Key": key}
        try:
            return await self.http.post(
                self.address() + path, json=body, headers=headers, timeout=_PATIENCE
            )
        except httpx.HTTPError:
            return None

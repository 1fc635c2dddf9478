"""I14: somebody else, whom the same gateway lets in, asks for what is not theirs."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

_PATIENCE = httpx.Timeout(5.0, read=3.0)


@dataclass(slots=True)
class Stranger:
    """`http` shows a token that is good, and another person's. `tasks` are not theirs.

    `asked` counts the answers, `shown` those that gave anything away.
    """

    http: httpx.AsyncClient
    address: Callable[[], str]
    random: random.Random
    tasks: Sequence[str]
    asked: int = 0
    shown: int = 0

    async def pry(self) -> None:
        """Try one thing after the other until it is cancelled."""
        while True:
            if self.tasks:
                # Of the newest: what is read of those that are active comes from the copy.
                await self._try(self.random.choice(self.tasks[-8:]))
            await asyncio.sleep(0.1)

    async def _try(self, task_id: str) -> None:
        task = f"/tasks/{task_id}"
        method, path = self.random.choice(
            (
                ("GET", task),
                ("GET", f"{task}/events"),
                ("GET", f"{task}/files"),
                ("POST", f"{task}/pause"),
                ("POST", f"{task}/stop"),
                ("GET", "/tasks"),
                ("GET", "/approvals"),
                ("GET", "/conversations"),
            )
        )
        url, body = self.address() + path, {} if method == "POST" else None
        try:
            answer = await self.http.request(method, url, json=body, timeout=_PATIENCE)
        except httpx.HTTPError:
            return
        self.judge(answer)

    def judge(self, answer: httpx.Response) -> None:
        """Count an answer. Not found and an empty page are all that a stranger may see."""
        if answer.status_code >= 500:
            return
        empty = answer.status_code == 200 and answer.json().get("items") == []
        self.asked += 1
        self.shown += not (empty or answer.status_code == 404)

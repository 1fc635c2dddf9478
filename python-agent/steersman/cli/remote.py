"""A server somewhere else as a TaskClient: REST, and server-sent events that reconnect."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta

import httpx
from pydantic import SecretStr, ValidationError

from steersman.api.ports import HealthReport
from steersman.cli.lines import FINAL_TYPES
from steersman.core.clock import SystemClock, new_id
from steersman.core.commands import (
    AddMessage,
    Command,
    DecideApproval,
    PauseTask,
    ResumeTask,
    StopTask,
)
from steersman.core.errors import Malformed, RequestError, Unavailable
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from steersman.core.new_task import NewTask
from steersman.core.ports import Page

_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 45
"""Three heartbeats of the server; a longer silence is a dead connection."""

_FIRST_PAUSE = timedelta(milliseconds=250)
_LONGEST_PAUSE = timedelta(seconds=10)


@asynccontextmanager
async def open_remote(
    url: str, token: SecretStr | None, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncGenerator["RemoteClient"]:
    """Open a connection pool to a server; nothing is sent yet."""
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    timeout = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=timeout, transport=transport
    ) as http:
        yield RemoteClient(http, random.random)


class RemoteClient:
    """Tasks behind a URL. `chance` gives numbers from 0 to 1 for the pauses' jitter."""

    def __init__(self, http: httpx.AsyncClient, chance: Callable[[], float]) -> None:
        self._http = http
        self._chance = chance
        self.notes: Sequence[str] = ()

    async def submit(self, request: NewTask, *, directory: str | None = None) -> JsonObject:
        if directory is not None:
            raise Malformed("A server takes the name of a workspace, not a directory")
        return await self._send("tasks", request.model_dump(mode="json", exclude_defaults=True))

    async def post(self, task_id: TaskId, command: Command) -> JsonObject:
        match command:
            case AddMessage(text=text):
                return await self._send(f"tasks/{task_id}/messages", {"text": text})
            case StopTask(reason=reason):
                return await self._send(
                    f"tasks/{task_id}/stop", {"reason": reason} if reason else {}
                )
            case PauseTask():
                return await self._send(f"tasks/{task_id}/pause")
            case ResumeTask():
                return await self._send(f"tasks/{task_id}/resume")
            case DecideApproval():
                return await self.decide(command)

    async def approvals(self, *, states: Sequence[str] = (), limit: int = 50) -> Page:
        query = [("limit", str(limit)), *(("state", state) for state in states)]
        page = await self._get("approvals", query)
        return Page(tuple(page["items"]), page.get("next_cursor"))

    async def decide(self, wish: DecideApproval) -> JsonObject:
        body = wish.model_dump(mode="json", exclude={"type", "approval_id"}, exclude_none=True)
        return await self._send(f"approvals/{wish.approval_id}", body)

    async def artifact(self, task_id: TaskId, name: str) -> bytes:
        path = f"tasks/{task_id}/artifacts/{name}"
        found = await self._response(self._http.build_request("GET", path))
        if hashlib.sha256(found.content).hexdigest() != name:
            raise Unavailable(f"{found.url.host}: sent another text than {name}")
        return found.content

    async def conversations(self, *, archived: bool = False, limit: int = 50) -> Page:
        query = [("archived", str(archived).lower()), ("limit", str(limit))]
        page = await self._get("conversations", query)
        return Page(tuple(page["items"]), page.get("next_cursor"))

    async def health(self) -> HealthReport:
        """Ask how the server is; one that cannot work says so, too."""
        response = await self._response(self._http.build_request("GET", "health"), also=(503,))
        try:
            return HealthReport.model_validate_json(response.content)
        except ValidationError:
            raise Unavailable(f"{self._http.base_url}health: this is no agent's answer") from None

    async def delete(self, task_id: TaskId) -> None:
        await self._answer(self._http.build_request("DELETE", f"tasks/{task_id}"))

    async def view(self, task_id: TaskId, *, min_seq: int = 0) -> JsonObject:
        return await self._get(f"tasks/{task_id}", [("min_seq", str(min_seq))])

    async def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Page:
        query = [("limit", str(limit)), *(("state", state) for state in states)]
        page = await self._get("tasks", [*query, *([("cursor", cursor)] if cursor else [])])
        return Page(tuple(page["items"]), page.get("next_cursor"))

    async def watch(self, task_id: TaskId, *, after: int = 0) -> AsyncGenerator[JsonObject]:
        """Yield events and deltas; a connection that ends is made again from the last event."""
        pause, connected = _FIRST_PAUSE, False
        while True:
            try:
                async for wire in self._stream(task_id, after):
                    pause, connected = _FIRST_PAUSE, True
                    if wire.get("type") != "delta":
                        if wire["seq"] <= after:
                            continue
                        after = wire["seq"]
                    yield wire
                    if wire.get("type") in FINAL_TYPES:
                        return
            except Unavailable:
                # A server that never answered is a wrong URL; one that did is being restarted.
                if not connected:
                    raise
            await asyncio.sleep(pause.total_seconds() * (0.5 + self._chance()))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def attend(self, task_id: TaskId) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def _send(self, path: str, body: JsonObject | None = None) -> JsonObject:
        headers = {"Idempotency-Key": new_id(SystemClock())}
        return await self._answer(
            self._http.build_request("POST", path, json=body, headers=headers)
        )

    async def _get(self, path: str, query: Sequence[tuple[str, str]]) -> JsonObject:
        request = self._http.build_request("GET", path, params=httpx.QueryParams(list(query)))
        return await self._answer(request)

    async def _answer(self, request: httpx.Request) -> JsonObject:
        return _object((await self._response(request)).content) or {}

    async def _response(
        self, request: httpx.Request, *, also: Sequence[int] = ()
    ) -> httpx.Response:
        """Return an answer that is no error, or one of these."""
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            raise _unreachable(self._http, error) from None
        if response.is_error and response.status_code not in also:
            raise _failure(response)
        return response

    async def _stream(self, task_id: TaskId, after: int) -> AsyncGenerator[JsonObject]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        path, query = f"tasks/{task_id}/events", {"after": str(after)}
        try:
            async with self._http.stream("GET", path, headers=headers, params=query) as response:
                if response.is_error:
                    await response.aread()
                    raise _failure(response)
                async for wire in read_sse(response.aiter_bytes()):
                    yield wire
        except httpx.HTTPError as error:
            raise _unreachable(self._http, error) from None


async def read_sse(chunks: AsyncIterator[bytes]) -> AsyncGenerator[JsonObject]:
    """Yield the JSON of each frame's `data:`; comments and what is no JSON object are left out.

    Lines end at line feeds only: JSON may hold U+2028, where `str.splitlines` would split.
    """
    buffer, data = b"", b""
    async for chunk in chunks:
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            content = line.removesuffix(b"\r")
            if content.startswith(b"data:"):
                data += content[5:].removeprefix(b" ") + b"\n"
            elif not content:
                if data and (wire := _object(data)) is not None:
                    yield wire
                data = b""


def _failure(response: httpx.Response) -> RequestError | Unavailable:
    """Turn problem+json into the error that the server raised."""
    problem = _object(response.content) or {}
    code, detail = problem.get("code"), problem.get("detail")
    leaf = _leaves(RequestError).get(str(code))
    if leaf is not None:
        return leaf(str(detail) if detail else None)
    said = detail or f"answered {response.status_code}"
    if response.status_code >= 500 or response.status_code == 429:
        return Unavailable(f"{response.url.host}: {said}")
    return RequestError(f"{response.url.host}: {said}")


def _leaves(root: type[RequestError]) -> dict[str, type[RequestError]]:
    found: dict[str, type[RequestError]] = {}
    for leaf in root.__subclasses__():
        found |= {leaf.code(): leaf} | _leaves(leaf)
    return found


def _unreachable(http: httpx.AsyncClient, error: httpx.HTTPError) -> Unavailable:
    reason = str(error) or type(error).__name__
    return Unavailable(f"No answer from STEERSMAN_URL={http.base_url}: {reason}")


def _object(content: bytes) -> JsonObject | None:
    try:
        found: object = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]

"""A server as a client: requests, errors, and a stream that breaks."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from steersman.cli import remote
from steersman.cli.remote import RemoteClient, open_remote, read_sse
from steersman.core.commands import AddMessage, Command, PauseTask, ResumeTask, StopTask
from steersman.core.errors import (
    CursorAhead,
    Malformed,
    RequestError,
    SteersmanError,
    TaskNotFound,
    Unauthorized,
    Unavailable,
)
from steersman.core.events import JsonObject
from steersman.core.new_task import NewTask
from steersman.core.ports import Page
from tests.agent.cli.samples import COMPLETED, SUBMITTED, TASK_ID, chunks, delta, numbered

Answer = Callable[[httpx.Request], httpx.Response]


async def ask(answer: Answer, use: Callable[[RemoteClient], object]) -> object:
    transport = httpx.MockTransport(answer)
    token = SecretStr("hunter2")
    async with open_remote("http://agent/api", token, transport=transport) as client:
        return await use(client)  # pyright: ignore[reportGeneralTypeIssues]


def problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": detail})


def frame(wire: JsonObject) -> bytes:
    number = f"id: {wire['seq']}\n" if "seq" in wire else ""
    return f"{number}event: {wire['type']}\ndata: {json.dumps(wire)}\n\n".encode()


async def test_a_goal_is_posted_with_token_and_idempotency_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={"task_id": TASK_ID})

    request = NewTask(goal="g", workspace="shop")
    assert await ask(answer, lambda client: client.submit(request)) == {"task_id": TASK_ID}
    (sent,) = seen
    assert (sent.method, str(sent.url)) == ("POST", "http://agent/api/tasks")
    assert json.loads(sent.content) == {"goal": "g", "workspace": "shop"}
    assert sent.headers["authorization"] == "Bearer hunter2"
    assert len(sent.headers["idempotency-key"]) == 36


async def test_a_directory_cannot_be_sent() -> None:
    with pytest.raises(Malformed):
        await ask(
            lambda _: httpx.Response(500),
            lambda client: client.submit(NewTask(goal="g"), directory="/tmp"),
        )


@pytest.mark.parametrize(
    ("command", "path", "body"),
    [
        (AddMessage(text="t"), "messages", {"text": "t"}),
        (StopTask(reason="r"), "stop", {"reason": "r"}),
        (StopTask(), "stop", {}),
        (PauseTask(), "pause", None),
        (ResumeTask(), "resume", None),
    ],
)
async def test_commands(command: Command, path: str, body: JsonObject | None) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/api/tasks/{TASK_ID}/{path}"
        assert (json.loads(request.content) if request.content else None) == body
        return httpx.Response(202, json={"state": "running"})

    answered = await ask(answer, lambda client: client.post(TASK_ID, command))
    assert answered == {"state": "running"}


async def test_a_listing_is_a_page() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params.multi_items() == [
            ("limit", "5"),
            ("state", "running"),
            ("state", "failed"),
            ("cursor", "c"),
        ]
        return httpx.Response(200, json={"items": [{"task_id": "t"}], "next_cursor": None})

    found = await ask(
        answer, lambda client: client.list(states=("running", "failed"), limit=5, cursor="c")
    )
    assert found == Page(({"task_id": "t"},), None)


async def test_conversations_are_a_page_and_a_task_is_deleted() -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url)))
        if request.method == "DELETE":
            return httpx.Response(204)
        return httpx.Response(200, json={"items": [{"title": "t"}], "next_cursor": "c"})

    found = await ask(answer, lambda client: client.conversations(archived=True, limit=5))
    assert found == Page(({"title": "t"},), "c")
    assert await ask(answer, lambda client: client.delete(TASK_ID)) is None
    assert seen == [
        ("GET", "http://agent/api/conversations?archived=true&limit=5"),
        ("DELETE", f"http://agent/api/tasks/{TASK_ID}"),
    ]


@pytest.mark.parametrize(
    ("response", "kind", "message"),
    [
        (problem(404, "task_not_found", "No such task."), TaskNotFound, "No such task."),
        (problem(401, "unauthorized", "Send it."), Unauthorized, "Send it."),
        (problem(418, "teapot", "Short and stout."), RequestError, "agent: Short and stout."),
        (problem(503, "store_unavailable", "Down."), Unavailable, "agent: Down."),
        (httpx.Response(502, text="<html>"), Unavailable, "agent: answered 502"),
        (httpx.Response(404, text="<html>"), RequestError, "agent: answered 404"),
    ],
)
async def test_problems_become_the_errors_that_the_server_raised(
    response: httpx.Response, kind: type[SteersmanError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        await ask(lambda _: response, lambda client: client.view(TASK_ID))
    assert (type(caught.value), str(caught.value)) == (kind, message)


async def test_a_server_that_is_not_there_is_named() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with pytest.raises(Unavailable, match="STEERSMAN_URL=http://agent/api/: Connection refused"):
        await ask(answer, lambda client: client.view(TASK_ID))


LOG = numbered(SUBMITTED, SUBMITTED, SUBMITTED, COMPLETED)


async def watch(client: RemoteClient) -> list[JsonObject]:
    return [wire async for wire in client.watch(TASK_ID)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that are noted instead of made."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(remote.asyncio, "sleep", note)
    return made


async def test_a_broken_stream_goes_on_after_the_last_event(pauses: list[float]) -> None:
    cursors: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        cursors.append(request.headers["last-event-id"])
        match len(cursors):
            case 1:
                body = b": hello\n\n" + frame(LOG[0]) + frame(delta("x", 0)) + frame(LOG[1])[:-9]
            case 2:
                return httpx.Response(503)
            case 3:
                raise httpx.ReadError("reset")
            case _:
                # The server repeats one event, which must not be shown twice.
                body = b"".join(map(frame, LOG))
        return httpx.Response(200, content=body)

    watched = await ask(answer, watch)
    assert watched == [LOG[0], delta("x", 0), *LOG[1:]]
    assert cursors == ["0", "1", "1", "1"]
    # Each is twice the one before, give or take half: after a restart not all come at once.
    steps = zip(pauses, (0.25, 0.5, 1), strict=True)
    assert all(0.5 <= pause / base < 1.5 for pause, base in steps)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (problem(409, "cursor_ahead", "Past the end."), CursorAhead),
        (httpx.Response(503), Unavailable),
    ],
)
async def test_a_watch_that_never_began_is_an_error(
    response: httpx.Response, kind: type[SteersmanError], pauses: list[float]
) -> None:
    with pytest.raises(kind):
        await ask(lambda _: response, watch)
    assert pauses == []


async def test_frames_are_read_whatever_the_chunks_are() -> None:
    text = {"type": "message_added", "seq": 1, "text": "a\u2028b\x85c"}
    raw = json.dumps(text, ensure_ascii=False)
    stream = f": ping\r\n\r\nid: 1\r\ndata: {raw}\r\n\r\ndata: no json\n\ndata: [1]\n\n".encode()
    single = [stream[n : n + 1] for n in range(len(stream))]
    assert [wire async for wire in read_sse(chunks(*single))] == [text]
    assert [wire async for wire in read_sse(chunks(stream, b"data: {}"))] == [text]

"""What a connection may cost the server, from raw sockets to a real server."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from socket import IPPROTO_TCP, TCP_NODELAY

import httpx
import pytest

from steersman.api.connections import MAX_HEADER_BYTES, Connections
from steersman.api.dependencies import ApiDependencies
from steersman.core.ids import LOCAL_OWNER, TaskId
from steersman.core.new_task import NewTask
from tests.agent.api.driving import STREAM, messages, serving, until
from tests.agent.api.fakes import InMemoryTasks

pytestmark = pytest.mark.slow  # waits for time-outs of real sockets

HALF = b"GET /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SOON = timedelta(seconds=1)  # in which a whole request must come, where others load the machine
NEVER = timedelta(hours=1)
CUT = (ConnectionError, asyncio.IncompleteReadError)


class Peer:
    """A client that sends what it wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Return what comes until the server closes; a reset is an end too."""
        received = b""
        async with asyncio.timeout(10):
            try:
                while chunk := await self.reader.read(65_536):
                    received += chunk
            except ConnectionError:
                return received
        return received


@asynccontextmanager
async def peer(address: str) -> AsyncGenerator[Peer]:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


async def status_of(address: str) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://{address}/health/live")).status_code


async def test_half_a_request_is_not_waited_for_for_ever(api: ApiDependencies) -> None:
    async with (
        serving(api, Connections(patience=SOON)) as address,
        peer(address) as silent,
        peer(address) as half,
        peer(address) as second,
    ):
        await second.send(HALF + b"\r\n" + HALF)
        await half.send(HALF)
        assert await silent.rest() == await half.rest() == b""
        assert (await second.rest()).startswith(b"HTTP/1.1 200 OK")


async def test_who_says_nothing_gives_way_to_who_does(api: ApiDependencies) -> None:
    async with serving(api, Connections(most=3, patience=NEVER)) as address:
        async with peer(address) as first, peer(address) as second, peer(address) as third:
            for half in (first, second, third):
                await half.send(HALF)
            assert await status_of(address) == 200
            assert await first.rest() == b""
            await third.send(b"\r\n")
            async with asyncio.timeout(10):
                assert (await third.reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        assert await status_of(address) == 200


async def test_of_many_that_come_at_once_no_more_stay_than_may(api: ApiDependencies) -> None:
    connections = Connections(most=4, patience=NEVER)
    async with serving(api, connections) as address, AsyncExitStack() as stack:
        peers = await asyncio.gather(*(stack.enter_async_context(peer(address)) for _ in range(14)))
        for one in peers:
            with suppress(ConnectionError):
                await one.send(HALF)
        assert await status_of(address) == 200
        ended = [asyncio.ensure_future(one.rest()) for one in peers]
        await asyncio.wait(ended, timeout=0.5)
        assert sum(not one.done() for one in ended) <= 4
        for one in ended:
            one.cancel()


async def test_who_is_being_answered_does_not_give_way(
    api: ApiDependencies, tasks: InMemoryTasks
) -> None:
    accepted = await tasks.submit(NewTask(goal="x"), LOCAL_OWNER)
    path = f"/tasks/{TaskId(accepted['task_id'])}/events"
    async with (
        serving(api, Connections(most=1, patience=NEVER)) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as watching,
        watching.stream("GET", path, headers=STREAM) as stream,
    ):
        heard = messages(stream)
        first = await anext(heard)
        while "event" not in first:
            first = await anext(heard)
        async with peer(address) as other:
            assert await other.rest() == b""
        assert await anext(heard) is not None


@pytest.mark.parametrize(
    "headers",
    [
        [b"X: " + b"x" * 10_000 + b"\r\n"] * 10,
        [b"X: ", *[b"x" * 10_000] * 100],
        [b"x: y\r\n" * 1_000] * 100,
    ],
    ids=["many", "one that goes on", "small ones that go on"],
)
async def test_headers_have_an_end(api: ApiDependencies, headers: list[bytes]) -> None:
    async with serving(api, Connections(patience=NEVER)) as address, peer(address) as greedy:
        try:
            await greedy.send(HALF)
            for part in headers:
                await greedy.send(part)
            await greedy.send(b"\r\n")
        except CUT:
            pass  # it has been told before it was done
        told = await greedy.rest()
        assert told.startswith(b"HTTP/1.1 431 ") or told == b""
        assert await status_of(address) == 200


async def test_headers_that_come_together_are_judged_too(api: ApiDependencies) -> None:
    async with serving(api, Connections(patience=NEVER)) as address:
        for size, status in ((MAX_HEADER_BYTES - 1_000, b"200"), (MAX_HEADER_BYTES, b"431")):
            async with peer(address) as one:
                await one.send(HALF + b"X: " + b"x" * size + b"\r\nConnection: close\r\n\r\n")
                assert (await one.rest()).startswith(b"HTTP/1.1 " + status)


async def test_who_is_refused_is_told_and_then_not_listened_to(api: ApiDependencies) -> None:
    guarded = replace(api, api_token="secret")
    async with serving(guarded) as address, peer(address) as stranger:
        length = 200 * 1024 * 1024
        await stranger.send(
            b"PUT /workspaces/x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + f"Content-Length: {length}\r\n\r\n".encode()
        )
        sent = 0
        try:
            while sent < length:
                await stranger.send(b"x" * 65_536)
                sent += 65_536
        except CUT:
            pass  # which is what is looked for
        assert sent < length / 4
        async with peer(address) as small:
            await small.send(b"GET /tasks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = await small.rest()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close" in answer.lower()


async def test_no_part_of_an_answer_waits_for_an_acknowledgement(api: ApiDependencies) -> None:
    connections = Connections()
    async with serving(api, connections) as address, peer(address):
        await until(lambda: bool(connections.idle))
        held = next(iter(connections.idle)).transport.get_extra_info("socket")
        assert held.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0


async def test_that_no_connection_can_be_taken_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    Connections().heed(loop)
    caplog.set_level(logging.WARNING)
    for _ in range(1_000):
        loop.call_exception_handler({"message": "socket.accept() out of system resource"})
    loop.call_exception_handler({"message": "Something else"})
    assert [record.getMessage() for record in caplog.records] == [
        "out_of_descriptors",
        "Something else",
    ]

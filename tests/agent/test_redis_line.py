"""Hints and deltas between processes over a real Redis, which may come, go and come back."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from steersman.adapters.redis import RedisDeltaFeed, RedisHints, RedisLine, redis_line
from steersman.adapters.redis.client import redis_client
from steersman.core.deltas import Delta
from steersman.core.ids import TaskId
from tests.agent.support.redis_server import free_port, running_redis

A = TaskId("a")
PATIENT = timedelta(seconds=30)
"""What Redis does not take in time is lost, and others may load the machine."""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    port = free_port()
    with running_redis(port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def here(redis_url: str) -> AsyncGenerator[RedisLine]:
    async with redis_line(redis_url, patience=PATIENT) as line:
        await line.connected.wait()
        await line._client.flushall()
        yield line


@pytest.fixture
async def there(redis_url: str) -> AsyncGenerator[RedisLine]:
    async with redis_line(redis_url, patience=PATIENT) as line:
        await line.connected.wait()
        yield line


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what another process does has no event here
            await asyncio.sleep(0.005)


async def subscribed(line: RedisLine, number: int) -> None:
    """Wait until so many processes follow the task."""
    async with asyncio.timeout(30):
        while dict(await line._client.pubsub_numsub("steersman:deltas:a")) != {  # noqa: ASYNC110
            b"steersman:deltas:a": number
        }:
            await asyncio.sleep(0.005)


def delta(offset: int, text: str, *, step: int = 1) -> Delta:
    return Delta(A, 1, step, offset, text)


async def test_a_burst_of_hints_wakes_other_processes_once(
    here: RedisLine, there: RedisLine
) -> None:
    sender, receiver = RedisHints(here), RedisHints(there)
    local, remote, last = list[str](), list[str](), asyncio.Event()
    sender.listen("due", lambda: local.append("due"))
    receiver.listen("due", lambda: remote.append("due"))
    stop = receiver.listen("other", lambda: remote.append("other"))
    receiver.listen("last", last.set)
    stop()
    for topic in ("due", "due", "other", "last"):
        await sender.publish(topic)
    async with asyncio.timeout(5):
        await last.wait()
    assert (local, remote) == (["due", "due"], ["due"])


async def test_deltas_reach_those_who_watch_in_any_process(
    here: RedisLine, there: RedisLine
) -> None:
    sender, receiver = RedisDeltaFeed(here), RedisDeltaFeed(there)
    local, remote = list[Delta](), list[Delta]()
    sender.listen(A, local.append)
    stop = receiver.listen(A, remote.append)
    await subscribed(here, 2)
    # Who asks for the text so far only now, because others load the machine, gets this as well.
    await until(lambda: not sender._reading and not receiver._reading)
    sender.publish(delta(0, "one \ud800"))
    sender.publish(delta(5, "two"))
    await until(lambda: len(remote) == 2)
    stop()
    assert local == [delta(0, "one \ud800"), delta(5, "two")]
    assert remote == [delta(0, "one \ufffd"), delta(5, "two")]


async def test_who_comes_late_gets_the_text_so_far(here: RedisLine, there: RedisLine) -> None:
    sender, receiver = RedisDeltaFeed(here), RedisDeltaFeed(there)
    sender.publish(delta(0, "an older thought", step=1))
    sender.publish(delta(0, "one ", step=2))
    sender.publish(delta(4, "two: three", step=2))
    await until(lambda: not here._unsent)
    seen = list[Delta]()
    stop = receiver.listen(A, seen.append)
    await until(lambda: bool(seen))
    stop()
    assert seen[0] == delta(0, "one two: three", step=2)


async def test_the_text_so_far_is_not_kept_for_long(here: RedisLine) -> None:
    RedisDeltaFeed(here).publish(delta(0, "one "))
    await until(lambda: not here._unsent)
    client = here._client
    async with asyncio.timeout(5):
        while (lifetime := await client.pttl("steersman:partial:a")) < 0:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert 0 < lifetime <= 60_000


async def test_a_redis_that_comes_back_wakes_everybody() -> None:
    port = free_port()
    async with redis_line(f"redis://127.0.0.1:{port}") as line:
        hints, woken = RedisHints(line), list[str]()
        hints.listen("due", lambda: woken.append("due"))
        await hints.publish("due")
        assert woken == ["due"]
        with running_redis(port):
            await until(lambda: len(woken) == 2)
        await until(lambda: not line.connected.is_set())
        with running_redis(port):
            await until(lambda: len(woken) == 3)


async def test_a_connection_that_is_closed_is_called_so_on_any_loop(redis_url: str) -> None:
    client = redis_client(redis_url, connect_within=PATIENT)
    connection = client.connection_pool.make_connection()
    await connection.connect()
    assert connection._writer is not None
    connection._writer.transport.abort()
    await asyncio.sleep(0.01)
    with pytest.raises(RedisConnectionError):
        await connection.send_command("PING")
    await client.aclose()


async def test_a_connection_that_another_task_closes_meanwhile_is_called_so(redis_url: str) -> None:
    client = redis_client(redis_url, connect_within=PATIENT, socket_timeout=30)
    connection = client.connection_pool.make_connection()
    await connection.connect()
    sending = asyncio.create_task(connection.send_command("PING"))
    await asyncio.sleep(0)  # it has looked whether it is connected, and waits for its turn to write
    await connection.disconnect(nowait=True)
    with pytest.raises(RedisConnectionError, match="writelines"):
        await sending
    await client.aclose()


async def test_what_nobody_expected_does_not_end_the_line(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with redis_line(redis_url, patience=PATIENT) as line:
        connected = list[str]()

        def connect() -> None:
            connected.append("once more")
            if len(connected) == 1:
                raise ZeroDivisionError

        line.on_connected(connect)
        await until(lambda: len(connected) == 2)
    assert "redis_line_failed" in caplog.messages

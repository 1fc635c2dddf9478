"""The copy of views in a real Redis, which may vanish, hang or hold garbage."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from steersman.adapters.redis import RedisViewCache
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from tests.agent.support.redis_server import free_port, running_redis

A = TaskId("a")
KEY = f"steersman:view:{A}"
PATIENT = timedelta(seconds=30)
"""For tests that are not about how long Redis may take: others may load the machine."""


def _view(seq: int) -> JsonObject:
    return {"task_id": A, "owner_id": "me", "seq": seq, "goal": "ä€"}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    port = free_port()
    with running_redis(port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[Redis]:
    client = Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def cache(redis_url: str, redis: Redis) -> AsyncGenerator[RedisViewCache]:
    cache = RedisViewCache.connect(redis_url, patience=PATIENT)
    yield cache
    await cache.close()


async def test_a_view_is_kept_for_half_a_minute(cache: RedisViewCache, redis: Redis) -> None:
    assert await cache.get(A) is None
    await cache.put(A, 1, 3, _view(3))
    assert await cache.get(A) == _view(3)
    assert 29_000 < await redis.pttl(KEY) <= 30_000
    assert cache.errors == 0


@pytest.mark.parametrize(
    ("epoch", "version", "is_newer"),
    [(1, 9, False), (9, 4, False), (1, 5, False), (2, 5, True), (2, 6, True), (1, 10, True)],
)
async def test_an_older_view_never_replaces_a_newer_one(
    cache: RedisViewCache, epoch: int, version: int, is_newer: bool
) -> None:
    stands = 9 if (epoch, version) in {(1, 9), (1, 10)} else 5
    await cache.put(A, 2, stands, _view(0))
    await cache.put(A, epoch, version, _view(1))
    assert await cache.get(A) == _view(1 if is_newer else 0)


async def test_of_many_writers_at_once_the_newest_view_stays(cache: RedisViewCache) -> None:
    await asyncio.gather(*(cache.put(A, 1, seq, _view(seq)) for seq in range(30, 0, -1)))
    assert await cache.get(A) == _view(30)


async def test_of_a_deleted_task_there_is_no_copy_and_a_late_one_is_not_kept(
    cache: RedisViewCache, redis: Redis
) -> None:
    await cache.put(A, 1, 3, _view(3))
    await cache.forget(A)
    await cache.put(A, 9, 900, _view(900))
    assert (await cache.get(A), cache.errors) == (None, 0)
    assert 0 < await redis.pttl(KEY) <= 30_000


@pytest.mark.parametrize(
    "garbage",
    [b"not json", b"[]", b"{}", b"\xff", b'{"task_id":"b","owner_id":"me","seq":1}'],
)
async def test_garbage_is_a_miss(cache: RedisViewCache, redis: Redis, garbage: bytes) -> None:
    await redis.hset(KEY, mapping={"view": garbage, "version": "x", "epoch": ""})  # pyright: ignore[reportGeneralTypeIssues]
    assert await cache.get(A) is None
    assert cache.errors == 1
    await cache.put(A, 1, 1, _view(1))
    assert await cache.get(A) == _view(1)


async def test_a_key_of_another_kind_is_a_miss(cache: RedisViewCache, redis: Redis) -> None:
    await redis.set(KEY, "text")
    assert await cache.get(A) is None
    await cache.put(A, 1, 1, _view(1))
    assert await cache.get(A) == _view(1)


async def test_a_flush_of_everything_is_a_miss(cache: RedisViewCache, redis: Redis) -> None:
    await cache.put(A, 1, 1, _view(1))
    await redis.flushall()
    await redis.script_flush()
    assert await cache.get(A) is None
    await cache.put(A, 1, 2, _view(2))
    assert await cache.get(A) == _view(2)


async def test_without_redis_there_are_only_misses_and_soon_not_even_attempts() -> None:
    cache = RedisViewCache.connect(f"redis://127.0.0.1:{free_port()}")
    for _ in range(10):
        await cache.put(A, 1, 1, _view(1))
        assert await cache.get(A) is None
    assert cache.errors == 3
    assert not await cache.ping()
    await cache.close()


@pytest.mark.slow
async def test_a_redis_that_hangs_costs_little_and_is_used_again_when_it_answers() -> None:
    now, url = 0.0, f"redis://127.0.0.1:{free_port()}"
    with running_redis(int(url.rpartition(":")[2])) as server:
        await _put_patiently(url, _view(1))
        cache = RedisViewCache.connect(url, monotonic=lambda: now)
        server.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(20):
            for _ in range(10):
                assert await cache.get(A) is None
        assert cache.errors == 3
        server.send_signal(signal.SIGCONT)
        assert await cache.get(A) is None
        now += 2
        async with asyncio.timeout(20):
            while await cache.get(A) is None:  # again, where others load the machine
                now += 2
        assert await cache.get(A) == _view(1)
        await cache.close()


async def _put_patiently(url: str, view: JsonObject) -> None:
    cache = RedisViewCache.connect(url, patience=PATIENT)
    await cache.put(A, 1, 1, view)
    await cache.close()

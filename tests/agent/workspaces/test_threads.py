"""Blocking work that ends with those who wait for it."""

import asyncio
from collections.abc import Generator
from datetime import timedelta
from threading import Event

import pytest

from steersman.app.threads import KeepOn, TookTooLong, in_order, in_thread

LONG = timedelta(minutes=1)


async def test_a_cancelled_caller_leaves_no_thread_behind() -> None:
    begun, ended = Event(), Event()

    def work(keep_on: KeepOn) -> None:
        begun.set()
        try:
            while True:
                keep_on()
        finally:
            ended.set()

    running = asyncio.ensure_future(in_thread(work, LONG))
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_work_that_takes_too_long_is_ended() -> None:
    def work(keep_on: KeepOn) -> None:
        while True:
            keep_on()

    with pytest.raises(TookTooLong):
        await in_thread(work, timedelta(milliseconds=20))


async def test_what_the_work_returns_or_raises_is_the_callers() -> None:
    def fail(_keep_on: KeepOn) -> None:
        raise ValueError("no")

    assert await in_thread(lambda _: 7, LONG) == 7
    with pytest.raises(ValueError, match="no"):
        await in_thread(fail, LONG)


async def test_a_source_that_is_cut_twice_while_it_reads_is_closed_all_the_same() -> None:
    begun, go, closed = Event(), Event(), Event()

    def source() -> Generator[bytes]:
        try:
            begun.set()
            go.wait(10)
            yield b"a"
        finally:
            closed.set()

    reading = asyncio.ensure_future(anext(in_order(source())))
    await asyncio.to_thread(begun.wait, 10)
    reading.cancel()
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(closed.wait, 10)


@pytest.mark.parametrize("taken", [1, 3])
async def test_chunks_come_in_order_and_their_source_is_closed(taken: int) -> None:
    closed = Event()

    def source() -> Generator[bytes]:
        try:
            yield from (b"a", b"", b"c")
        finally:
            closed.set()

    chunks = in_order(source())
    assert [await anext(chunks) for _ in range(taken)] == [b"a", b"", b"c"][:taken]
    await chunks.aclose()
    assert closed.is_set()

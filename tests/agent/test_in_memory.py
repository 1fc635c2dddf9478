"""Hints, deltas and copies within one process."""

from datetime import timedelta

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryHints, InMemoryViewCache
from steersman.core.deltas import Delta
from steersman.core.ids import TaskId

A, B = TaskId("a"), TaskId("b")


async def test_a_hint_wakes_those_who_listen_to_its_topic() -> None:
    hints, woken = InMemoryHints(), list[str]()
    stop = hints.listen("due", lambda: woken.append("first"))
    hints.listen("due", lambda: woken.append("second"))
    hints.listen("other", lambda: woken.append("other"))
    await hints.publish("due")
    stop()
    stop()
    await hints.publish("due")
    assert woken == ["first", "second", "second"]


async def test_a_listener_may_stop_listening_while_it_is_woken() -> None:
    hints, woken = InMemoryHints(), list[str]()

    def once() -> None:
        woken.append("once")
        stop()

    stop = hints.listen("due", once)
    hints.listen("due", lambda: woken.append("other"))
    await hints.publish("due")
    await hints.publish("due")
    assert woken == ["once", "other", "other"]


def test_a_delta_reaches_those_who_watch_its_task() -> None:
    feed, received = InMemoryDeltaFeed(), list[Delta]()
    stop = feed.listen(A, received.append)
    delta = Delta(A, 1, 1, 0, "text")
    feed.publish(delta)
    feed.publish(Delta(B, 1, 1, 0, "text"))
    stop()
    feed.publish(delta)
    assert received == [delta]


async def test_an_older_view_never_replaces_a_newer_one() -> None:
    cache = InMemoryViewCache()
    await cache.put(A, 2, 5, {"seq": 5})
    await cache.put(A, 3, 4, {"seq": 4})
    await cache.put(A, 1, 5, {"seq": "stale epoch"})
    assert await cache.get(A) == {"seq": 5}
    await cache.put(A, 2, 6, {"seq": 6})
    assert await cache.get(A) == {"seq": 6}


async def test_of_a_deleted_task_there_is_no_copy() -> None:
    cache = InMemoryViewCache()
    await cache.put(A, 1, 1, {})
    await cache.forget(A)
    await cache.forget(B)
    assert await cache.get(A) is None


async def test_the_view_that_was_used_least_recently_makes_room() -> None:
    cache = InMemoryViewCache(size=2)
    await cache.put(A, 1, 1, {})
    await cache.put(B, 1, 1, {})
    await cache.get(A)
    await cache.put(TaskId("c"), 1, 1, {})
    assert (await cache.get(A), await cache.get(B)) == ({}, None)


async def test_a_copy_is_good_for_a_short_time() -> None:
    now = 0.0
    cache = InMemoryViewCache(good_for=timedelta(seconds=1), monotonic=lambda: now)
    await cache.put(A, 1, 1, {})
    now = 0.9
    assert await cache.get(A) == {}
    now = 1.0
    assert await cache.get(A) is None

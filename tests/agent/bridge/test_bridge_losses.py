"""Acknowledgements that are lost or come twice, and connections that end all the time."""

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from steersman.core.ids import TaskId
from tests.agent.api.driving import until
from tests.agent.bridge.linking import FAST, a_line
from tests.agent.bridge.talking import STOPPED, Bridge, a_bridge, said
from tests.agent.support.hub_server import HubConnection


@pytest.fixture
async def bridge() -> AsyncGenerator[Bridge]:
    async with a_bridge() as bridge:
        yield bridge


def seqs(bridge: Bridge, task_id: str) -> list[int]:
    return [event["seq"] for event in bridge.gateway.logs[task_id]]


async def test_an_ack_that_is_lost_ends_the_connection() -> None:
    async with a_line(replace(FAST, call=timedelta(seconds=0.2))) as line:
        bridge = Bridge(line)
        lost = asyncio.Event()

        async def lose(connection: HubConnection) -> None:
            if not lost.is_set():
                lost.set()
                await connection.gone.wait()

        bridge.gateway.before_ack = lose
        task_id = await bridge.task()
        async with bridge.up() as hub:
            await bridge.watch(hub, task_id)
            second = await bridge.next()
            await bridge.tasks.play(task_id, said())
            await bridge.watch(second, task_id)
            await bridge.gateway.has(task_id, 2)
    assert seqs(bridge, task_id) == [1, 2]


async def test_an_ack_that_comes_twice_or_of_nobody_changes_nothing(bridge: Bridge) -> None:
    async def twice(connection: HubConnection) -> None:
        for call_id in ("1", "2", "3", "nobody"):
            acks = [{"subscription_id": "nobody", "acked_seq": 9, "stop": True}]
            await connection.send(type=3, invocationId=call_id, result=acks)

    task_id = await bridge.task()
    async with bridge.up() as hub:
        await until(lambda: bool(bridge.called("Heartbeat")))
        bridge.gateway.before_ack = twice
        await bridge.watch(hub, task_id)
        for n in range(2, 8):
            await bridge.tasks.play(task_id, said())
            await bridge.gateway.has(task_id, n)
    assert seqs(bridge, task_id) == [*range(1, 8)]
    assert bridge.line.link.state.connections == 1


@pytest.mark.slow
async def test_over_a_hundred_reconnects_each_event_arrives_once_and_in_order(
    bridge: Bridge,
) -> None:
    chance = random.Random(7)
    task_ids = [await bridge.task() for _ in range(5)]

    async def cut(_connection: HubConnection) -> None:
        bridge.line.gate.cut()

    async with bridge.line.running():
        for _ in range(100):
            # Either in the middle of a push, or whenever it may be.
            in_a_push = chance.random() < 0.5
            bridge.gateway.before_ack = cut if in_a_push else None
            hub = await bridge.line.hub.next()
            for task_id in task_ids:
                await watch_unless_gone(bridge, hub, task_id)
                await bridge.tasks.play(task_id, *[said()] * chance.randint(1, 3))
            if not in_a_push:
                bridge.line.gate.cut()
            await hub.gone.wait()
        bridge.gateway.before_ack = None
        await finish(bridge, task_ids)
    for task_id in task_ids:
        assert seqs(bridge, task_id) == [*range(1, len(bridge.tasks.logs[task_id]) + 1)]
    assert len(bridge.sessions) >= 100
    assert bridge.gateway.holes == 0


async def finish(bridge: Bridge, task_ids: list[TaskId]) -> None:
    """Let the tasks end, and wait until the gateway has all of them."""
    hub = await bridge.next()
    for task_id in task_ids:
        await bridge.tasks.play(task_id, STOPPED)
        assert await bridge.watch(hub, task_id) == {"status": 200}
    for task_id in task_ids:
        await bridge.gateway.has(task_id, len(bridge.tasks.logs[task_id]))


async def watch_unless_gone(bridge: Bridge, hub: HubConnection, task_id: str) -> None:
    """Ask for a task, while the connection lasts."""
    asking = asyncio.ensure_future(bridge.watch(hub, task_id))
    gone = asyncio.ensure_future(hub.gone.wait())
    await asyncio.wait((asking, gone), return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not asking.done() or asking.exception() is not None:
        asking.cancel()

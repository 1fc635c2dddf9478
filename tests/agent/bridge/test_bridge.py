"""What an agent tells its gateway of the tasks that are watched, whatever happens between them."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from steersman.core.deltas import Delta
from steersman.core.ids import TaskId
from tests.agent.api.driving import until
from tests.agent.bridge.talking import BAD, GOOD, STOPPED, Bridge, a_bridge, said
from tests.agent.support.hub_server import HubConnection

NOBODYS = TaskId("019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01")


@pytest.fixture
async def bridge() -> AsyncGenerator[Bridge]:
    async with a_bridge() as bridge:
        yield bridge


def seqs(bridge: Bridge, task_id: str) -> list[int]:
    return [event["seq"] for event in bridge.gateway.logs[task_id]]


async def test_the_first_thing_that_is_said_is_who_we_are(bridge: Bridge) -> None:
    async with bridge.up():
        await until(lambda: len(bridge.called("Heartbeat")) == 1)
    assert [call.target for call in bridge.line.hub.calls] == ["Register", "Heartbeat"]
    assert bridge.called("Register") == [
        {"worker_id": "w1", "version": "1", "contract_version": 1,
         "roles": ["developer"], "capacity": 2}
    ]  # fmt: skip


async def test_a_task_that_is_begun_or_given_away_is_told_at_once(bridge: Bridge) -> None:
    async with bridge.up():
        for tasks in (["t1"], ["t1", "t2"], []):
            await until(lambda: bool(bridge.called("Heartbeat")))
            bridge.working_on = tasks
            bridge.active_changed.set()
            await until(lambda told=tasks: bridge.called("Heartbeat")[-1]["active_tasks"] == told)


async def test_a_watched_task_is_told_to_its_end_and_no_further(bridge: Bridge) -> None:
    task_id = await bridge.task()
    await bridge.tasks.play(task_id, *[said()] * 9)
    async with bridge.up() as hub:
        assert await bridge.watch(hub, task_id) == {"status": 200}
        await bridge.gateway.has(task_id, 10)
        await bridge.tasks.play(task_id, said("live"), STOPPED)
        await bridge.gateway.has(task_id, 12)
        await until(lambda: bridge.tasks.watchers == 0)
    assert seqs(bridge, task_id) == [*range(1, 13)]
    assert bridge.gateway.logs[task_id][10]["text"] == "live"
    assert bridge.gateway.received == 12
    assert bridge.ended == []


async def test_text_streams_between_the_events(bridge: Bridge) -> None:
    task_id = await bridge.task()
    async with bridge.up() as hub:
        await bridge.watch(hub, task_id)
        await bridge.gateway.has(task_id, 1)
        await bridge.tasks.play(task_id, Delta(task_id, 1, 1, 0, "Hel\ud800lo"))
        await until(lambda: bool(bridge.gateway.deltas))
    (delta,) = bridge.gateway.deltas
    assert (delta["type"], delta["task_id"], delta["offset"]) == ("delta", task_id, 0)
    assert delta["text"] == "Hel\ufffdlo"


async def test_a_watch_that_cannot_begin_says_why(bridge: Bridge) -> None:
    task_id = await bridge.task()
    async with bridge.up() as hub:
        refused = [
            await bridge.watch(hub, task_id, token=BAD),
            await bridge.watch(hub, NOBODYS),
            await bridge.watch(hub, task_id, after=2),
        ]
        bridge.tasks.down = True
        refused.append(await bridge.watch(hub, task_id))
        bridge.tasks.down = False
        assert await bridge.watch(hub, task_id) == {"status": 200}
    assert [(each["status"], each["code"]) for each in refused] == [
        (401, "unauthorized"),
        (404, "task_not_found"),
        (409, "cursor_ahead"),
        (503, "store_unavailable"),
    ]
    assert all(each["detail"] for each in refused)


async def test_a_request_that_cannot_be_read_is_an_error_and_the_next_one_is_fine(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge.up() as hub:
        for target in ("Watch", "WatchOwner", "Execute", "Unwatch"):
            unreadable = {"token": "s3cret", "command": 1}
            assert (await hub.ask(target, unreadable))["error"] == "ValidationError"
            assert (await hub.ask(target))["error"] == "TypeError"
        assert await bridge.watch(hub, await bridge.task()) == {"status": 200}
    assert bridge.line.link.state.connections == 1
    assert "s3cret" not in caplog.text


async def test_a_task_that_is_deleted_while_watched_ends_its_watch(bridge: Bridge) -> None:
    task_id = await bridge.task()
    async with bridge.up() as hub:
        await bridge.watch(hub, task_id)
        await bridge.gateway.has(task_id, 1)
        del bridge.tasks.logs[task_id]
        await bridge.tasks.play(task_id)
        await until(lambda: bool(bridge.ended))
    (ended,) = bridge.ended
    assert ended["subscription_id"].startswith(task_id)
    assert (ended["status"], ended["code"]) == (404, "task_not_found")


async def test_unwatch_ends_a_watch_even_right_behind_it(bridge: Bridge) -> None:
    task_id = await bridge.task()
    async with bridge.up() as hub:
        await bridge.watch(hub, task_id)
        await until(lambda: bridge.tasks.watchers == 1)
        await hub.tell("Unwatch", {"subscription_id": f"{task_id}/0"})
        await until(lambda: bridge.tasks.watchers == 0)
        request = {"subscription_id": "s", "task_id": task_id, "after": 0, "token": GOOD}
        both = [
            json.dumps({"type": 1, "target": "Watch", "arguments": [request], "invocationId": "x"}),
            json.dumps({"type": 1, "target": "Unwatch", "arguments": [request]}),
        ]
        await hub.send_text("".join(f"{each}\x1e" for each in both))
        await bridge.watch(hub, task_id, after=1)
        await until(lambda: bridge.tasks.watchers == 1)
        assert bridge.sessions[0]._subscriptions._open.keys() == {f"{task_id}/1"}


async def test_a_hole_ends_the_subscription_and_the_next_one_fills_it(bridge: Bridge) -> None:
    task_id = await bridge.task()
    await bridge.tasks.play(task_id, said(), said())
    async with bridge.up() as hub:
        await bridge.watch(hub, task_id, after=2)
        await until(lambda: bridge.gateway.pushes == 1 and bridge.tasks.watchers == 0)
        assert seqs(bridge, task_id) == []
        await bridge.watch(hub, task_id)
        await bridge.gateway.has(task_id, 3)
    assert seqs(bridge, task_id) == [1, 2, 3]


async def test_frames_are_as_large_as_was_agreed_unless_one_event_is_longer(
    bridge: Bridge,
) -> None:
    bridge.max_batch_bytes = 4096
    few, many = await bridge.task(), await bridge.task()
    await bridge.tasks.play(few, said("y" * 20_000), said())
    await bridge.tasks.play(many, *[said("x" * 700)] * 40)
    sizes: list[int] = []
    push = bridge.gateway.push

    async def measured(connection: HubConnection, entries: list[dict[str, object]]) -> object:
        sizes.append(len(json.dumps(entries, separators=(",", ":"))))
        return await push(connection, entries)

    bridge.line.hub.methods["PushEvents"] = measured
    async with bridge.up() as hub:
        await asyncio.gather(bridge.watch(hub, few), bridge.watch(hub, many))
        await bridge.gateway.has(few, 3)
        await bridge.gateway.has(many, 41)
    assert sorted(sizes)[-1] > 20_000
    assert sorted(sizes)[-2] <= 4096
    assert len(sizes) < 41


async def test_a_gateway_that_takes_nothing_costs_a_bounded_memory(bridge: Bridge) -> None:
    go_on = asyncio.Event()

    async def wait(_connection: HubConnection) -> None:
        await go_on.wait()

    bridge.gateway.before_ack = wait
    task_id = await bridge.task()
    async with bridge.up() as hub:
        await bridge.watch(hub, task_id)
        await bridge.gateway.has(task_id, 1)
        await bridge.tasks.play(task_id, *[said("x" * 1000)] * 1000)
        outbox = bridge.sessions[0]._subscriptions._open[f"{task_id}/0"].outbox
        await until(lambda: not outbox._room.is_set())
        assert outbox._event_bytes < 34_000
        assert bridge.gateway.pushes == 1
        go_on.set()
        await bridge.gateway.has(task_id, 1001)
        assert bridge.gateway.pushes < 60
    assert seqs(bridge, task_id) == [*range(1, 1002)]


async def test_a_command_is_handed_on_with_its_token_and_answered(bridge: Bridge) -> None:
    command = {"type": "stop_task", "task_id": NOBODYS, "command_id": "once"}
    async with bridge.up() as hub:
        answers = [
            (await hub.ask("Execute", {"command": command, "token": GOOD}))["result"]
            for _ in range(2)
        ]
    assert answers == [{"type": "answer", "status": 202, "command_id": "once"}] * 2
    assert bridge.executed == [(command, GOOD)] * 2

"""The link to the hub: what keeps it up, what ends it, and that neither side can hang the other."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from steersman.bridge.connection import CallFailed, LinkLost
from tests.agent.api.driving import until
from tests.agent.bridge.linking import FAST, KEY, Line, a_line
from tests.agent.support.hub_server import END, HubConnection, HubFailure

pytestmark = pytest.mark.slow  # waits for time-outs of real sockets


@pytest.fixture
async def line() -> AsyncGenerator[Line]:
    async with a_line() as line:
        yield line


async def echo(_connection: HubConnection, *arguments: object) -> list[object]:
    return list(arguments)


async def talks(line: Line) -> None:
    """Make sure that both can ask each other."""
    line.hub.methods["Echo"] = echo
    assert await line.talks[-1].connection.call("Echo", "there", 1, None) == ["there", 1, None]


async def test_both_sides_ask_each_other_and_get_answers(line: Line) -> None:
    async def double(number: int) -> int:
        return 2 * number

    async def nothing() -> None:
        return None

    line.handlers |= {"Double": double, "Nothing": nothing}
    async with line.up() as hub:
        await talks(line)
        assert (await hub.ask("Double", 21))["result"] == 42
        completion = await hub.ask("Nothing")
        assert (completion["result"], "error" in completion) == (None, False)
    assert line.hub.keys_shown == [f"Bearer {KEY.get_secret_value()}"]
    assert hub.token == "hub-1"
    assert line.hub.calls[0].headers == {"traceparent": "00-1-2-01"}
    assert not line.talks[0].running


async def test_a_call_that_the_hub_refuses_is_an_error_of_its_own(line: Line) -> None:
    async def refuse(_connection: HubConnection) -> None:
        raise HubFailure("no such agent")

    async with line.up():
        line.hub.methods["Refuse"] = refuse
        with pytest.raises(CallFailed, match="no such agent"):
            await line.talks[0].connection.call("Refuse")
        await talks(line)


async def test_a_call_that_the_hub_never_answers_takes_a_limited_time() -> None:
    async with a_line(replace(FAST, call=timedelta(seconds=0.1))) as line:

        async def hang(connection: HubConnection) -> None:
            await connection.gone.wait()

        line.hub.methods["Hang"] = hang
        async with line.up():
            with pytest.raises(TimeoutError):
                await line.talks[0].connection.call("Hang")
            await talks(line)


async def test_what_we_do_not_know_is_a_sign_of_life_and_no_error(line: Line) -> None:
    async with line.up() as hub:
        for text in (
            '{"type":1,"target":"OfALaterVersion","arguments":[1],"streamIds":["1"],"x":{}}',
            '{"type":1,"target":7}',
            '{"type":2,"invocationId":"9","item":1}',
            '{"type":3,"invocationId":"nobody asked","result":1}',
            '{"type":3}',
            '{"type":99,"new":true}',
            '{"type":"text"}',
            '{"type":null}',
            "{}",
            "[1]",
            "7",
            "null",
        ):
            await hub.send_text(text + END)
        assert (await hub.ask("OfALaterVersion"))["error"] == "this agent does not know that method"
        await talks(line)
    assert line.link.state.connections == 1


async def test_a_megabyte_passes_both_ways(line: Line) -> None:
    async def length(text: str) -> int:
        return len(text)

    line.handlers["Length"] = length
    async with line.up() as hub:
        assert (await hub.ask("Length", "x" * 2**20))["result"] == 2**20
        line.hub.methods["Echo"] = echo
        assert await line.talks[0].connection.call("Echo", "y" * 2**20) == ["y" * 2**20]


async def test_a_handler_that_raises_or_hangs_is_answered_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_argument: str) -> None:
        raise ZeroDivisionError("secret")

    async def hang(_argument: str) -> None:
        await asyncio.Event().wait()

    async with a_line(replace(FAST, handle=timedelta(seconds=0.5))) as line, line.up() as hub:
        line.handlers |= {"Broken": broken, "Hang": hang}
        hanging = asyncio.ensure_future(hub.ask("Hang", "x"))
        assert (await hub.ask("Broken", "x"))["error"] == "ZeroDivisionError"
        assert (await hub.ask("Broken"))["error"] == "TypeError"
        await hub.tell("Broken", "x")
        await talks(line)
        assert (await hanging)["error"] == "TimeoutError"
        assert line.link.state.connections == 1
    assert caplog.text.count("hub_request_failed") == 4


async def test_a_handler_may_call_the_hub(line: Line) -> None:
    async def ask_back(word: str) -> object:
        return await line.talks[0].connection.call("Echo", word)

    line.hub.methods["Echo"] = echo
    line.handlers["AskBack"] = ask_back
    async with line.up() as hub:
        assert (await hub.ask("AskBack", "and?"))["result"] == ["and?"]


@pytest.mark.parametrize("end", ["token expired", "close", "close with an error", "killed"])
async def test_however_a_connection_ends_another_session_begins_with_a_new_token(
    line: Line, end: str
) -> None:
    async with line.up() as hub:
        match end:
            case "token expired":
                await hub.close()
            case "close":
                await hub.end()
            case "close with an error":
                await hub.end("Connection closed with an error.")
            case _:
                line.gate.cut()
        second = await line.next()
        assert [talk.running for talk in line.talks] == [False, True]
        assert second.token == "hub-2"
        await talks(line)


async def test_a_hub_that_is_frozen_is_given_up_and_the_next_one_taken() -> None:
    timing = replace(FAST, silence=timedelta(seconds=1), connect=timedelta(seconds=1))
    async with a_line(timing) as line, line.up() as hub:
        line.gate.freeze()
        await until(lambda: line.link.state.failure == "the hub is silent")
        line.gate.thaw()
        await line.hub.next()
        async with asyncio.timeout(5):
            await hub.gone.wait()


async def test_a_call_in_flight_when_the_connection_ends_does_not_wait_for_its_limit(
    line: Line,
) -> None:
    async def cut(_connection: HubConnection) -> None:
        line.gate.cut()

    line.hub.methods["Cut"] = cut
    async with line.up():
        calling = line.talks[0].connection.call("Cut")
        line.talks[0].connection._group.create_task(calling)  # as a session does
        await line.hub.next()
    assert len(line.talks) == 2


async def test_a_gateway_that_is_not_there_is_waited_for(line: Line) -> None:
    await line.gate.shut()
    async with line.running():
        await until(lambda: line.link.state.failure is not None)
        await line.gate.open()
        await line.next()
        await talks(line)


@pytest.mark.slow  # twenty connections
async def test_twenty_cuts_in_a_row_leave_nothing_behind(line: Line) -> None:
    async with line.running():
        for _ in range(20):
            await line.hub.next()
            line.gate.cut()
        await line.next()
        await talks(line)
        ours = [task for task in asyncio.all_tasks() if "Connection" in repr(task.get_coro())]
    assert len(ours) <= 10, ours
    assert not any(talk.running for talk in line.talks)


async def test_a_session_that_ends_or_fails_is_followed_by_another(line: Line) -> None:
    async with line.up() as hub:
        line.talks[0].ended.set()
        await line.hub.next()
        async with asyncio.timeout(5):
            await hub.gone.wait()


async def test_at_the_end_the_hub_sees_a_clean_close(line: Line) -> None:
    async with line.up() as hub:
        await talks(line)
    async with asyncio.timeout(5):
        await hub.gone.wait()
    assert not line.link.state.up


async def test_pings_go_out_while_nothing_is_said(line: Line) -> None:
    async with line.up() as hub:
        await until(lambda: hub.pings >= 3)
    assert line.link.state.connections == 1


async def test_the_link_ends_though_its_session_fails_meanwhile(line: Line) -> None:
    async with asyncio.timeout(20), line.up():
        line.talks[0].last_words = LinkLost("too late for a farewell")
    assert not line.link.state.up

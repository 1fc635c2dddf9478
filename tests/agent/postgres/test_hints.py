"""Wake-ups between processes."""

import asyncio

import asyncpg

from steersman.adapters.postgres.hints import PostgresHints, postgres_hints


async def _connected(*hints: PostgresHints) -> None:
    async with asyncio.timeout(5):
        for one in hints:
            await one.connected.wait()


async def _woken(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()
    event.clear()


async def test_listeners_of_this_process_are_woken_at_once(database_url: str) -> None:
    async with postgres_hints(database_url) as hints:
        woken = list[str]()
        stop = hints.listen("due", lambda: woken.append("due"))
        await hints.publish("due")
        await hints.publish("other")
        stop()
        stop()
        await hints.publish("due")
        assert woken == ["due"]


async def test_listeners_of_other_processes_are_woken_once_per_burst(database_url: str) -> None:
    async with postgres_hints(database_url) as here, postgres_hints(database_url) as there:
        await _connected(here, there)
        local, remote, woken = list[str](), list[str](), asyncio.Event()
        here.listen("due", lambda: local.append("due"))
        there.listen("due", lambda: remote.append("due"))
        there.listen("last", woken.set)
        for _ in range(5):
            await here.publish("due")
        for number in range(400):
            await here.publish(f"task {number}")
        await here.publish("last")
        await _woken(woken)
        assert (len(local), remote) == (5, ["due"])


async def test_hints_come_back_after_their_connections_were_cut(database_url: str) -> None:
    async with postgres_hints(database_url) as here, postgres_hints(database_url) as there:
        await _connected(here, there)
        woken = asyncio.Event()
        there.listen("due", woken.set)
        administrator = await asyncpg.connect(database_url)
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'steersman-hints' AND datname = current_database()"
        )
        await administrator.close()
        # To have been away is itself a reason to look.
        await _woken(woken)
        await _connected(here, there)
        async with asyncio.timeout(10):
            while not woken.is_set():
                await here.publish("due")
                await asyncio.sleep(0.05)


async def test_hints_work_within_a_process_while_the_database_is_away() -> None:
    async with postgres_hints("postgresql://postgres@127.0.0.1:1/nothing") as hints:
        woken = asyncio.Event()
        hints.listen("due", woken.set)
        await hints.publish("due")
        assert woken.is_set()
        assert not hints.connected.is_set()

"""What a database that goes away and comes back does to those who use it."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil
import pytest

from steersman.adapters.postgres.embedded import start_embedded
from steersman.adapters.postgres.migrate import migrate
from steersman.adapters.postgres.pool import Connection, PostgresPool
from steersman.core.errors import ConfigurationError, StoreUnavailable
from tests.agent.postgres.making import ROLES, Store, claimed, decision, ending, opened, submission

pytestmark = pytest.mark.slow  # real processes and servers, seconds each

OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
EXCEPT_ME = f"{OTHERS} AND pid <> pg_backend_pid()"


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


@pytest.fixture
async def administrator(database_url: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_a_commit_finds_itself_after_its_connection_was_cut(
    store: Store, administrator: asyncpg.Connection
) -> None:
    claim = await claimed(store)
    for made in (decision(claim), ending(claim, version=2)):
        await store.journal().commit(made)
        await administrator.execute(EXCEPT_ME)
        await store.journal().commit(made)
    assert [e.seq for e in await store.tasks.events(claim.task_id, 0, 10)] == [1, 2, 3]


async def test_commits_survive_that_all_connections_are_cut_again_and_again(
    store: Store, administrator: asyncpg.Connection
) -> None:
    claim = await claimed(store)
    journal = store.journal()
    for version in range(1, 41):
        async with asyncio.TaskGroup() as group:
            group.create_task(journal.commit(decision(claim, version=version)))
            await asyncio.sleep(0.001 * (version % 8))
            group.create_task(administrator.execute(EXCEPT_ME))
    events = await store.tasks.events(claim.task_id, 0, 100)
    assert [event.seq for event in events] == list(range(1, 42))


async def test_requests_survive_that_connections_are_cut(
    store: Store, administrator: asyncpg.Connection
) -> None:
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(store.tasks.submit(submission())) for _ in range(20)]
        for _ in range(5):
            await administrator.execute(EXCEPT_ME)
            await asyncio.sleep(0.005)
    for answer in answers:
        assert len(await store.tasks.events(answer.result()["task_id"], 0, 10)) == 1


async def test_work_is_given_up_when_patience_ends() -> None:
    pool = await PostgresPool.open("postgresql://postgres@127.0.0.1:1/nothing")

    async def work(connection: Connection) -> None:
        await connection.execute("SELECT 1")

    with pytest.raises(StoreUnavailable):
        await pool.run(work, patience=timedelta(milliseconds=200))
    with pytest.raises(StoreUnavailable):
        await migrate("postgresql://postgres@127.0.0.1:1/nothing")
    await pool.close()


async def test_a_database_that_does_not_exist_is_a_wrong_setting(database_url: str) -> None:
    pool = await PostgresPool.open(database_url.replace("/test_", "/no_such_"))
    with pytest.raises(ConfigurationError, match="no_such_"):
        await pool.fetch("SELECT 1")
    await pool.close()


async def test_wrong_sql_is_not_taken_for_an_outage(store: Store) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await store.pool.fetch("SELEC 1")
    with pytest.raises(asyncpg.InterfaceError):
        await store.pool.fetch("SELECT 1", "too many")


@pytest.mark.slow
async def test_commits_go_on_over_a_crash_of_the_server(directory: Path) -> None:
    server = await start_embedded(directory)
    await migrate(server.dsn())
    async with opened(server.dsn()) as store:
        claim = await claimed(store)
        journal = store.journal()
        await journal.commit(decision(claim))
        _kill_postmaster(directory)
        committing = asyncio.create_task(journal.commit(decision(claim, version=2)))
        await asyncio.sleep(0.3)
        again = await start_embedded(directory)
        await committing
        await journal.commit(replace(decision(claim, version=3), release=True))
        assert await journal.claim(ROLES) is not None
        events = await store.tasks.events(claim.task_id, 0, 10)
        assert [event.seq for event in events] == [1, 2, 3, 4]
    assert [server.close(), again.close()] == [False, True]


def _kill_postmaster(directory: Path) -> None:
    pid = int((directory / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)

"""The server that comes with Steersman, shared by the processes of a host."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from steersman.adapters.postgres.embedded import start_embedded

pytestmark = pytest.mark.slow

_STARTER = """
import asyncio, sys, time
from pathlib import Path
from steersman.adapters.postgres.embedded import start_embedded
asyncio.run(start_embedded(Path(sys.argv[1])))
print("started", flush=True)
time.sleep(60)
"""


async def _ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _pid(directory: Path) -> int:
    return int((directory / "postmaster.pid").read_text().splitlines()[0])


async def test_processes_share_a_server_and_the_last_one_stops_it(directory: Path) -> None:
    first, second = await asyncio.gather(start_embedded(directory), start_embedded(directory))
    assert first.dsn() == second.dsn()
    assert first.close() is False
    assert await _ask(second.dsn(), "SELECT current_database()") == "steersman"
    assert second.close() is True
    assert not (directory / "postmaster.pid").exists()


async def test_data_and_settings_survive_a_restart(directory: Path) -> None:
    server = await start_embedded(directory)
    await _ask(server.dsn(), "CREATE TABLE kept (n int)")
    server.close()
    again = await start_embedded(directory)
    assert await _ask(again.dsn(), "SELECT count(*) FROM kept") == 0
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": "200",
    }.items():
        assert await _ask(again.dsn(), f"SELECT current_setting('{name}')") == value
    again.close()


async def test_the_server_outlives_a_killed_starter_and_still_has_a_last_user(
    directory: Path,
) -> None:
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STARTER, str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout is not None
    assert await starter.stdout.readline() == b"started\n"
    pid = _pid(directory)
    server = await start_embedded(directory)
    starter.kill()
    await starter.wait()
    assert await _ask(server.dsn(), "SELECT 1") == 1
    assert _pid(directory) == pid
    assert server.close() is True


async def test_what_a_crash_leaves_of_the_old_server_is_waited_for(directory: Path) -> None:
    server = await start_embedded(directory)
    for _ in range(5):
        os.kill(_pid(directory), signal.SIGQUIT)
        while server.is_running():  # noqa: ASYNC110 - it is not our child
            await asyncio.sleep(0.001)
        again = await start_embedded(directory)
        assert await _ask(again.dsn(), "SELECT 1") == 1
        again.close()
    server.close()


async def test_a_pid_that_another_program_has_now_is_no_server(directory: Path) -> None:
    server = await start_embedded(directory)
    lines = (directory / "postmaster.pid").read_text().splitlines()
    server.close()
    stale = "\n".join([str(os.getpid()), *lines[1:]]) + "\n"
    (directory / "postmaster.pid").write_text(stale)
    again = await start_embedded(directory)
    assert await _ask(again.dsn(), "SELECT 1") == 1
    again.close()


async def test_a_cluster_whose_making_was_cut_short_is_made_again(directory: Path) -> None:
    unfinished = directory.with_name("postgres.new")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = await start_embedded(directory)
    assert await _ask(server.dsn(), "SELECT 1") == 1
    server.close()


async def test_the_folders_above_are_not_opened_to_readers(directory: Path) -> None:
    directory.parent.chmod(0o700)
    server = await start_embedded(directory)
    server.close()
    assert directory.parent.stat().st_mode & 0o066 == 0


async def test_a_path_too_long_for_a_socket_works(directory: Path) -> None:
    long = directory / ("x" * 60) / ("y" * 60) / "postgres"
    server = await start_embedded(long)
    assert await _ask(server.dsn(), "SELECT 1") == 1
    server.close()

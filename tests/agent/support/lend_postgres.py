"""Lend an embedded server to tests of another language.

`python -m tests.agent.support.lend_postgres` prints the directory of its socket, and ends
the server when the standard input ends, so with whoever started it.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from steersman.adapters.postgres.embedded import start_embedded


async def _lend(directory: Path) -> None:
    server = await start_embedded(directory / "postgres")
    try:
        dsn = server.dsn("postgres")
        connection = await asyncpg.connect(dsn)
        # No test crashes the machine.
        await connection.execute("ALTER SYSTEM SET fsync = off")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        sys.stdout.write(parse_qs(urlsplit(dsn).query)["host"][0] + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    finally:
        server.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="steersman-lent-") as directory:
        asyncio.run(_lend(Path(directory)))

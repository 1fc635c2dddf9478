"""A home and a PostgreSQL of our own for a benchmark: the embedded one, with its usual settings."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from steersman.adapters.postgres.embedded import start_embedded
from steersman.adapters.postgres.migrate import migrate


@contextmanager
def home() -> Generator[Path]:
    """Yield an empty directory whose path is short enough for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@asynccontextmanager
async def database() -> AsyncGenerator[str]:
    """Yield the address of an empty database that has all tables."""
    with home() as directory:
        server = await start_embedded(directory / "postgres")
        try:
            await migrate(server.dsn())
            yield server.dsn()
        finally:
            await asyncio.to_thread(server.close)


async def ask(dsn: str, query: str, *arguments: object) -> str:
    """Return the one value that a statement returns; empty when it returns none."""
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval(query, *arguments))
    finally:
        await connection.close()

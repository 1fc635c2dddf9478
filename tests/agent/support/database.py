"""One embedded server per test session, shared by the xdist workers, and clones of a template."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from steersman.adapters.postgres.embedded import EmbeddedPostgres, start_embedded
from steersman.adapters.postgres.migrate import migrate

_TEMPLATE = "steersman_template"


@contextmanager
def test_server(run_id: str) -> Generator[EmbeddedPostgres]:
    """Attach to the session's server. The last process that leaves removes it."""
    home = Path(tempfile.gettempdir()) / f"steersman-tests-{run_id}"
    home.mkdir(exist_ok=True)
    server = asyncio.run(start_embedded(home / "postgres"))
    try:
        with _mutex(home / "template.lock"):
            asyncio.run(_ensure_template(server))
        yield server
    finally:
        if server.close():
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def cloned_database(server: EmbeddedPostgres) -> Generator[str]:
    """Yield the address of a fresh database that has all tables."""
    name = create_clone(server)
    try:
        yield server.dsn(name)
    finally:
        drop_database(server, name)


def create_clone(server: EmbeddedPostgres) -> str:
    """Make a database that has all tables; return its name."""
    name = f"test_{uuid4().hex}"
    asyncio.run(_administer(server, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
    return name


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    """Remove a database, whoever uses it."""
    asyncio.run(_administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def empty_database(server: EmbeddedPostgres) -> Generator[str]:
    """Yield the address of a fresh database that has no tables yet."""
    name = f"empty_{uuid4().hex}"
    asyncio.run(_administer(server, f"CREATE DATABASE {name}"))
    try:
        yield server.dsn(name)
    finally:
        drop_database(server, name)


async def _ensure_template(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        exists = await connection.fetchval(
            "SELECT 1 FROM pg_database WHERE datname = $1", _TEMPLATE
        )
        if not exists:
            # No test crashes the machine, and a database for each test costs many flushes.
            await connection.execute("ALTER SYSTEM SET fsync = off")
            await connection.execute("SELECT pg_reload_conf()")
            await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            await migrate(server.dsn(_TEMPLATE))
    finally:
        await connection.close()


async def _administer(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def _mutex(path: Path) -> Generator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)

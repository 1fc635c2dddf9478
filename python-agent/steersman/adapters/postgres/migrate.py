"""Bring a database to the tables that this version knows, whichever process comes first.

Alembic decides which steps are missing and writes them as one script; asyncpg runs it, so there
is one driver, and the advisory lock, the steps and the new version stand on one connection.
"""

import asyncio
import io
import logging
from datetime import timedelta
from pathlib import Path

import asyncpg

from steersman.adapters.postgres.migrations import HEAD
from steersman.adapters.postgres.partitions import ensure_partitions
from steersman.adapters.postgres.pool import (
    DATABASE_ERRORS,
    PATIENCE,
    OwnConnection,
    passes_by_itself,
)
from steersman.core.errors import ConfigurationError, StoreUnavailable

_log = logging.getLogger(__name__)

_ONE_AT_A_TIME = 0x57EE_25BA
_PATIENCE = timedelta(minutes=2)
_LONGEST_WAIT = "1s"
_PAUSE_SECONDS = 1.0
_MIGRATIONS = Path(__file__).with_name("migrations")


async def migrate(dsn: str) -> None:
    """Apply the migrations that are missing and make the partitions of the months to come.

    Raises StoreUnavailable, and ConfigurationError when the database is of a newer version.
    """
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            connection = await asyncpg.connect(dsn, timeout=PATIENCE.total_seconds())
            try:
                await _migrate(connection)
            finally:
                await connection.close(timeout=1)
    except DATABASE_ERRORS as error:
        if passes_by_itself(error):
            raise StoreUnavailable from error
        raise


async def _migrate(connection: OwnConnection) -> None:
    if await _version(connection) != HEAD:
        # Held until the connection closes, so that the partitions too are made by one process.
        await connection.execute("SELECT pg_advisory_lock($1)", _ONE_AT_A_TIME)
        version = await _version(connection)
        if version is not None and version > HEAD:
            raise ConfigurationError(
                f"The database is at {version}, this version knows {HEAD}: install the newer one."
            )
        if version != HEAD:
            await _run(connection, await asyncio.to_thread(script_between, version, HEAD))
    await ensure_partitions(connection)


async def _run(connection: OwnConnection, script: str) -> None:
    """Run a script, whose steps are one transaction, as often as it takes to get its locks.

    Whoever waits for the lock of a table keeps all others waiting behind it: claims and commits
    would stand still for as long as the slowest reader takes.
    """
    await connection.execute(f"SET lock_timeout = '{_LONGEST_WAIT}'")
    while True:
        try:
            await connection.execute(script)
        except asyncpg.LockNotAvailableError:
            await connection.execute("ROLLBACK")
            _log.warning("migration_waits", extra={"action": "migration_waits"})
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            await connection.execute("RESET lock_timeout")
            return


async def _version(connection: OwnConnection) -> str | None:
    try:
        return await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None


def script_between(version: str | None, target: str) -> str:
    """Write the steps between two versions as one transaction; None: an empty database."""
    # Imported here because a database that is up to date, the usual case, needs none of it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    script = io.StringIO()
    config = Config(output_buffer=script)
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, f"{version}:{target}" if version else target, sql=True)
    return script.getvalue()

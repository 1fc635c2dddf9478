"""Databases that one test after the other uses: to empty one is far less work than to make one."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import asyncpg

from steersman.adapters.postgres.embedded import EmbeddedPostgres
from tests.agent.support.database import create_clone, drop_database

_SCHEMA = """
SELECT md5(string_agg(oid || ':' || version, ',' ORDER BY oid)) FROM (
  SELECT oid, xmin::text AS version FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT oid, xmin::text FROM pg_trigger
  UNION ALL SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
"""A mark that every change of a table, a trigger or a function changes."""

_OTHERS_ARE_GONE = """
SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
  AND backend_type = 'client backend' AND pid <> pg_backend_pid())
"""
_TABLES = """
SELECT quote_ident(relname) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND relname <> 'alembic_version'
"""
_LOOKS = 20  # a connection that was closed a moment ago may need some milliseconds to end


class LentDatabases:
    """The databases of one test process on one server."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._free: list[str] = []
        self._made: dict[str, str] = {}

    @contextmanager
    def lend(self) -> Generator[str]:
        """Yield the address of a database that has all tables and nothing in them."""
        name = self._free.pop() if self._free else self._make()
        try:
            yield self._server.dsn(name)
        finally:
            if asyncio.run(_emptied(self._server.dsn(name), self._made[name])):
                self._free.append(name)
            else:
                del self._made[name]
                drop_database(self._server, name)

    def close(self) -> None:
        for name in self._made:
            drop_database(self._server, name)

    def _make(self) -> str:
        name = create_clone(self._server)
        self._made[name] = asyncio.run(_schema(self._server.dsn(name)))
        return name


async def _schema(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(_SCHEMA)
    finally:
        await connection.close()


async def _emptied(dsn: str, schema: str) -> bool:
    """Delete all rows; say whether nobody is left who could write more, and no table changed."""
    connection = await asyncpg.connect(dsn)
    try:
        for _ in range(_LOOKS):
            if await connection.fetchval(_OTHERS_ARE_GONE):
                break
            await connection.execute("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()")
        else:
            return False
        tables = await connection.fetch(_TABLES)
        # As a replica, which checks no foreign keys and has no triggers that guard the log.
        deletions = [f"DELETE FROM {table};" for (table,) in tables]
        await connection.execute(f"SET session_replication_role = replica; {' '.join(deletions)}")
        return await connection.fetchval(_SCHEMA) == schema
    finally:
        await connection.close()

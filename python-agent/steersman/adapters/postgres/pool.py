"""Connections: how they are set up, which errors pass by themselves, how often to try again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg

from steersman.core.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

T = TypeVar("T")
OwnConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Work = Callable[[Connection], Awaitable[T]]

PATIENCE = timedelta(seconds=5)
COMMIT_PATIENCE = timedelta(seconds=10)

_FIRST_PAUSE = timedelta(milliseconds=25)
_LONGEST_PAUSE = timedelta(seconds=1)
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 10.0
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
_PASSING_STATES = {
    "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03",
    "42P01",  # no such table: the process that came first is making them
    "23514",  # no partition, which is made after the tables; there is no other check
}  # fmt: skip
_WRONG_STATES = {"28000", "28P01", "3D000"}


async def connect(dsn: str, application: str) -> OwnConnection:
    """Open one connection of its own, with the settings of all."""
    return await asyncpg.connect(
        dsn,
        timeout=_CONNECT_SECONDS,
        command_timeout=_ANSWER_SECONDS,
        server_settings={**_SETTINGS, "application_name": application},
    )


class PostgresPool:
    """A bounded number of connections, opened when they are needed and again when they break."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", dsn: str, application: str) -> None:
        self._pool = pool
        self.dsn = dsn
        self.application = application

    @classmethod
    async def open(
        cls, dsn: str, *, size: int = 10, application: str = "steersman"
    ) -> "PostgresPool":
        """Make a pool of at most `size` connections. The server need not be up yet."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=_CONNECT_SECONDS,
            command_timeout=_ANSWER_SECONDS,
            reset=_nothing_to_reset,
            server_settings={**_SETTINGS, "application_name": application},
        )
        return cls(pool, dsn, application)

    async def close(self) -> None:
        """Close the connections; those that do not end in time are cut."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def run(self, work: Work[T], *, patience: timedelta = PATIENCE) -> T:
        """Do `work`, again after errors that pass by themselves: it must be safe to repeat.

        Raises StoreUnavailable when `patience` is used up.
        """
        deadline = time.monotonic() + patience.total_seconds()
        pause = _FIRST_PAUSE.total_seconds()
        while True:
            try:
                return await self._once(work)
            except DATABASE_ERRORS as error:
                if not passes_by_itself(error):
                    raise
                if time.monotonic() + pause > deadline:
                    raise StoreUnavailable from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE.total_seconds())

    async def _once(self, work: Work[T]) -> T:
        async with self._pool.acquire(timeout=_CONNECT_SECONDS) as connection:
            try:
                return await work(connection)
            except DATABASE_ERRORS:
                # A connection that the server has ended may not know it yet, and would be
                # handed out again; after an error a new one is the cheaper certainty.
                with suppress(asyncpg.InterfaceError):  # the pool may have taken it back already
                    connection.terminate()
                raise

    async def transaction(self, work: Work[T], *, patience: timedelta = PATIENCE) -> T:
        """Do `work` in one transaction, under the rules of `run`."""

        async def inside(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.run(inside, patience=patience)

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return all rows of one statement that is safe to repeat."""
        return await self.run(lambda connection: connection.fetch(query, *arguments))

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """Return the first row of one statement that is safe to repeat."""
        return await self.run(lambda connection: connection.fetchrow(query, *arguments))


def passes_by_itself(error: BaseException) -> bool:
    """Say whether the same work may succeed a moment later.

    Raises ConfigurationError when the server refuses us for good.
    """
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state in _WRONG_STATES:
            raise ConfigurationError(f"The database refuses us: {error}") from error
        return state.startswith("08") or state in _PASSING_STATES
    if isinstance(error, asyncpg.InternalClientError):
        return True  # the server's farewell came between two statements
    if isinstance(error, asyncpg.InterfaceError):
        # The driver has one class for a broken connection and for wrong arguments.
        return not isinstance(error, asyncpg.DataError) and "clos" in str(error)
    return isinstance(error, OSError | TimeoutError)


async def _nothing_to_reset(_connection: object) -> None:
    """Save the round trip that would clean a session in which nothing is ever set."""

"""Hints over LISTEN and NOTIFY, on one channel and a connection of its own that comes back.

Adapters do not share code with siblings, so the listeners of this process are kept here too.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from steersman.adapters.postgres.pool import DATABASE_ERRORS, OwnConnection, connect

_log = logging.getLogger(__name__)
_CHANNEL = "steersman_hints"
_COALESCE = timedelta(milliseconds=20)
_RETRY = timedelta(milliseconds=500)
_PROBE = timedelta(seconds=5)
_TOPICS_PER_NOTIFY = 150
"""A payload holds less than 8,000 bytes; a topic is a name and a UUID."""


class PostgresHints:
    """The port Hints for all processes on one database. Made by `postgres_hints`."""

    def __init__(self, dsn: str, application: str) -> None:
        self._dsn = dsn
        self._application = application
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._unsent: set[str] = set()
        self._wake = asyncio.Event()
        self.connected = asyncio.Event()

    async def publish(self, topic: str) -> None:
        """Wake the listeners here at once, and those of other processes within 20 ms or so."""
        self._wake_listeners(topic)
        self._unsent.add(topic)
        self._wake.set()

    def listen(self, topic: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` for each hint on the topic until the returned function is called."""
        self._listeners[topic].append(wake)

        def forget() -> None:
            if wake in self._listeners.get(topic, ()):
                self._listeners[topic].remove(wake)
            if not self._listeners[topic]:
                del self._listeners[topic]

        return forget

    async def run(self) -> None:
        """Carry hints from and to other processes until cancelled."""
        while True:
            try:
                await self._carry()
            except DATABASE_ERRORS:
                _log.debug("hints_disconnected", exc_info=True, extra={"action": "hints"})
            except Exception:  # noqa: BLE001 - a boundary: nobody would notice the end of the hints
                _log.exception("hints_failed", extra={"action": "hints"})
            self.connected.clear()
            await asyncio.sleep(_RETRY.total_seconds())

    async def _carry(self) -> None:
        connection = await connect(self._dsn, f"{self._application}-hints")
        connection.add_termination_listener(lambda _: self._wake.set())
        try:
            await connection.add_listener(_CHANNEL, self._receive)
            self.connected.set()
            # Whatever was published while we were not listening is lost: everybody looks.
            self._wake_listeners(*self._listeners)
            while not connection.is_closed():
                await self._send(connection)
        finally:
            connection.terminate()

    async def _send(self, connection: OwnConnection) -> None:
        try:
            async with asyncio.timeout(_PROBE.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
            return
        await asyncio.sleep(_COALESCE.total_seconds())
        self._wake.clear()
        if connection.is_closed():
            return
        topics, self._unsent = sorted(self._unsent), set[str]()
        for batch in _batches(topics):
            await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, "\n".join(batch))

    def _receive(self, connection: object, pid: int, _channel: str, payload: object) -> None:
        is_own = isinstance(connection, asyncpg.Connection) and pid == connection.get_server_pid()
        if not is_own:
            self._wake_listeners(*str(payload).split("\n"))

    def _wake_listeners(self, *topics: str) -> None:
        for topic in topics:
            for wake in tuple(self._listeners.get(topic, ())):
                wake()


@asynccontextmanager
async def postgres_hints(
    dsn: str, *, application: str = "steersman"
) -> AsyncGenerator[PostgresHints]:
    """Hold hints open. They work within this process also while the database is away."""
    hints = PostgresHints(dsn, application)
    # No TaskGroup: it would wrap every error of the caller's body into a group.
    running = asyncio.create_task(hints.run())
    try:
        yield hints
    finally:
        running.cancel()
        await asyncio.wait((running,))


def _batches(topics: list[str]) -> Iterator[Iterable[str]]:
    for start in range(0, len(topics), _TOPICS_PER_NOTIFY):
        yield topics[start : start + _TOPICS_PER_NOTIFY]

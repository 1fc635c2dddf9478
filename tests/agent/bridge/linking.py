"""A link, its hub and the sessions on it, as the tests of the link arrange them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from pydantic import SecretStr

from steersman.bridge.connection import Connection, Handler, LinkTiming
from steersman.bridge.hub_token import exchange_key
from steersman.bridge.link import HubLink
from tests.agent.api.driving import until
from tests.agent.support.hub_server import HubConnection, HubServer, hub_behind_gate
from tests.agent.support.tcp_gate import TcpGate

KEY = SecretStr("the-key-of-this-agent")
FAST = LinkTiming(
    connect=timedelta(seconds=5),
    call=timedelta(seconds=5),
    handle=timedelta(seconds=5),
    close=timedelta(seconds=0.3),
    ping=timedelta(seconds=0.05),
    silence=timedelta(seconds=15),
    shortest_pause=timedelta(seconds=0.01),
    longest_pause=timedelta(seconds=0.1),
    refused=timedelta(seconds=0.2),
)


@dataclass
class Talk:
    """A session that says nothing until it is told to end, and may fail when it is cancelled."""

    connection: Connection
    handlers: Mapping[str, Handler]
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    running: bool = False
    last_words: Exception | None = None

    async def run(self) -> None:
        self.running = True
        try:
            await self.ended.wait()
        except asyncio.CancelledError:
            if self.last_words is not None:
                raise self.last_words from None
            raise
        finally:
            self.running = False


@dataclass
class Line:
    """A link to a hub, and each session that there was."""

    hub: HubServer
    gate: TcpGate
    url: str
    handlers: dict[str, Handler] = field(default_factory=dict)
    talks: list[Talk] = field(default_factory=list)
    timing: LinkTiming = FAST

    def __post_init__(self) -> None:
        self.link = HubLink(
            f"{self.url}/hubs/agent",
            partial(exchange_key, self.url, KEY),
            self._begin,
            timing=self.timing,
            trace_headers=lambda: {"traceparent": "00-1-2-01"},
        )

    def _begin(self, connection: Connection) -> Talk:
        self.talks.append(Talk(connection, self.handlers))
        return self.talks[-1]

    @asynccontextmanager
    async def up(self) -> AsyncGenerator[HubConnection]:
        """Run the link while the block runs; yield its first connection."""
        async with self.running():
            yield await self.next()

    async def next(self) -> HubConnection:
        """Wait for the next connection, until its session runs."""
        connection = await self.hub.next()
        await until(lambda: self.talks[-1].running)
        return connection

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the link while the block runs."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.link.run())
            yield
            running.cancel()


@asynccontextmanager
async def a_line(timing: LinkTiming = FAST) -> AsyncGenerator[Line]:
    hub = HubServer()
    async with hub_behind_gate(hub) as (url, gate):
        yield Line(hub, gate, url, timing=timing)

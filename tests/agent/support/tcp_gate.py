"""A TCP gate before a server: it can be closed, cut everything, and stop passing anything on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_CHUNK = 64 * 1024


class TcpGate:
    """Pass bytes on to `port`, while it is open and not frozen."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.passed = 0

    async def open(self) -> None:
        """Take connections, at the same port as before."""
        self._flows.set()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new connections and cut those that are."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection, as a process does that is killed."""
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Keep connections and pass nothing on, as a machine does that lost its network."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what has come meanwhile."""
        self._flows.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, back))
                group.create_task(self._pass_on(there, writer))
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                each.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flows.wait()
                self.passed += len(chunk)
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def gate_before(port: int) -> AsyncGenerator[TcpGate]:
    """Open a gate before a server of this machine."""
    gate = TcpGate(port)
    await gate.open()
    try:
        yield gate
    finally:
        gate.thaw()
        await gate.shut()

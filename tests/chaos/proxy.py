"""A socket between the agents and PostgreSQL that loses answers and cuts connections."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"
_CHUNK_BYTES = 65_536


class FaultProxy:
    """Pass bytes on, and sometimes cut a connection right after a request has gone through.

    The server then does what it was asked, a COMMIT most of all, and nobody hears of it. It can
    also keep silent for a while, after which everything goes on as if nothing had been.
    """

    def __init__(self, server: Path, random_numbers: random.Random) -> None:
        self._server = server
        self._random = random_numbers
        self._open: set[asyncio.StreamWriter] = set()
        self.lose_answers = 0.0
        self._turn = asyncio.Lock()
        self._flows = asyncio.Event()
        self._flows.set()
        self.silences = 0
        self.lost = 0
        self.cut = 0

    def cut_all(self) -> None:
        """Cut every connection now."""
        for writer in tuple(self._open):
            writer.transport.abort()
            self.cut += 1

    async def keep_silent(self, seconds: float) -> None:
        """Let nothing through in either direction for so long."""
        async with self._turn:
            self._flows.clear()
            await asyncio.sleep(seconds)
            self._flows.set()
            self.silences += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        try:
            upstream, to_server = await asyncio.open_unix_connection(str(self._server / _SOCKET))
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, to_server}
        try:
            with suppress(OSError):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._requests(reader, to_server))
                    group.create_task(self._answers(upstream, writer))
        except* (OSError, _Cut):
            pass
        finally:
            for end in (writer, to_server):
                self._open.discard(end)
                end.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            await self._flows.wait()
            writer.write(chunk)
            await writer.drain()
            if self._random.random() < self.lose_answers:
                self.lost += 1
                await asyncio.sleep(self._random.uniform(0, 0.01))
                raise _Cut
        raise _Cut

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            await self._flows.wait()
            writer.write(chunk)
            await writer.drain()
        raise _Cut


class _Cut(Exception):
    """The connection is over."""


@asynccontextmanager
async def fault_proxy(
    server: Path, directory: Path, random_numbers: random.Random
) -> AsyncGenerator[FaultProxy]:
    """Listen in `directory` for the server whose socket is in `server`."""
    await asyncio.to_thread(directory.mkdir)
    proxy = FaultProxy(server, random_numbers)
    listening = await asyncio.start_unix_server(proxy.serve, str(directory / _SOCKET))
    try:
        yield proxy
    finally:
        listening.close()
        proxy.cut_all()

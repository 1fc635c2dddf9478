"""The HTTP side of `steersman serve`. A module of its own, because its import takes a while."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from steersman.api.application import create_api
from steersman.api.connections import Connections
from steersman.api.server import QUEUED_CONNECTIONS, server_config
from steersman.app.dependencies import dependencies_of
from steersman.app.wiring import App
from steersman.core.worker import Worker


class HttpServer(uvicorn.Server):
    """A server that leaves the signals to us, they concern the worker too, and says when it is up.

    `up` is also set when it could not come up. `close` tells it to end.
    """

    def __init__(self, app: App, worker: Worker) -> None:
        dependencies = dependencies_of(app, worker)
        self._connections = Connections()
        super().__init__(server_config(create_api(dependencies), self._connections))
        self._closing = dependencies.closing
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._connections.heed(asyncio.get_running_loop())
        try:
            await super().startup(sockets)
            for listening in sockets or ():
                listening.listen(QUEUED_CONNECTIONS)
        finally:
            self.up.set()

    def close(self) -> None:
        """End the streams, take nothing more, let what is being answered end."""
        self._closing.set()
        self.should_exit = True

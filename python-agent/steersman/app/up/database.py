"""The database of `steersman up`: the embedded one, which is started again when it has crashed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from steersman.adapters.postgres.embedded import EmbeddedPostgres, start_embedded
from steersman.app.up.program import Show
from steersman.core.errors import StoreUnavailable
from steersman.settings import Settings

_LOOK_SECONDS = 1.0
_NAME = "database"


@asynccontextmanager
async def database(settings: Settings, show: Show) -> AsyncGenerator[str]:
    """Yield the address of the agents' database, which is up while the block runs."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    kept = _KeptDatabase(settings.home / "postgres", show)
    server = await kept.start()
    watching = asyncio.create_task(kept.watch())
    try:
        yield server.dsn()
    finally:
        watching.cancel()
        await asyncio.wait((watching,))
        await asyncio.to_thread(kept.close)


class _KeptDatabase:
    def __init__(self, directory: Path, show: Show) -> None:
        self._directory = directory
        self._show = show
        self._server: EmbeddedPostgres | None = None

    async def start(self) -> EmbeddedPostgres:
        self._server = await start_embedded(self._directory)
        self._show(_NAME, "ready")
        return self._server

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._server is None or not self._server.is_running():
                self._show(_NAME, "is gone; it is started again")
                self.close()
                try:
                    await self.start()
                except StoreUnavailable as error:
                    self._show(_NAME, str(error))

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

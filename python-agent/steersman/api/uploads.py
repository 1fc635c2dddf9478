"""A body that is too large for memory, in a file for as long as it is needed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from starlette.requests import Request

_BUFFER_BYTES = 1024 * 1024


@asynccontextmanager
async def spooled(request: Request) -> AsyncGenerator[Path]:
    """Write the request's body to a temporary file, which goes away with the block."""
    file = await asyncio.to_thread(_open)
    try:
        await _copy(request, file)
        yield Path(file.name)
    finally:
        await asyncio.to_thread(file.close)


def _open() -> IO[bytes]:
    return NamedTemporaryFile(prefix="steersman-upload-")


async def _copy(request: Request, file: IO[bytes]) -> None:
    # A thread for each chunk of the network would cost more than the writing.
    buffer = bytearray()
    async for chunk in request.stream():
        buffer += chunk
        if len(buffer) >= _BUFFER_BYTES:
            await asyncio.to_thread(file.write, bytes(buffer))
            buffer.clear()
    await asyncio.to_thread(file.write, bytes(buffer))
    await asyncio.to_thread(file.flush)

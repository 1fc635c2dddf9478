"""A real HTTP server with a few fixed answers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

Answers = Mapping[str, tuple[int, bytes]]


@asynccontextmanager
async def answering(answers: Answers) -> AsyncGenerator[str]:
    """Answer each path with its status and body, others with 404; yield the address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # who asked is gone; some were killed
            return
        status, body = answers.get(head.split()[1].decode(), (404, b""))
        lines = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"{lines}Location: /elsewhere\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

"""A service outside that takes each order once per key, and often loses its answer.

What `Idempotency-Key` promises is its own part. Ours is that a call which is made again, by
whichever process, has the key that it had: with another one there would be two orders.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from steersman.core.events import JsonObject

SHOP_VARIABLE = "CHAOS_ORDERS_URL"
_LONGEST_SECONDS = 0.3
_LOST = 0.1


@dataclass(slots=True)
class Orders:
    """Every order by its key, and how often orders were asked for."""

    random: random.Random
    taken: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    asked: int = 0

    @property
    def repeated(self) -> int:
        """How often an order was asked for that had been taken before."""
        return self.asked - len(self.taken)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an order; those who ask may be killed before, meanwhile and after."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            order = json.loads(await reader.readexactly(int(headers["content-length"])))
            await asyncio.sleep(self.random.uniform(0, _LONGEST_SECONDS))
            self.asked += 1
            self.taken.setdefault(headers["idempotency-key"], (order["task_id"], order["item"]))
            await asyncio.sleep(self.random.uniform(0, _LONGEST_SECONDS))
            if self.random.random() > _LOST:
                writer.write(b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n")
                await writer.drain()
        writer.close()


@asynccontextmanager
async def taking_orders(numbers: random.Random) -> AsyncGenerator[tuple[Orders, str]]:
    """Take orders while the block runs; yields the address, too."""
    orders = Orders(numbers)
    server = await asyncio.start_server(orders.answer, "127.0.0.1", 0)
    async with server:
        yield orders, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def wrong_orders(logs: Mapping[str, list[JsonObject]], orders: Orders) -> int:
    """Count calls that were taken twice, or not at all though they succeeded."""
    taken, wrong = Counter(orders.taken.values()), 0
    for task_id, log in logs.items():
        succeeded = {e["action_id"] for e in log if e["type"] == "action_succeeded"}
        calls = [call for event in log for call in event.get("actions", ())]
        for call in calls:
            if call["tool"] == "place_order":
                found = taken[(task_id, call["arguments"]["item"])]
                wrong += found > 1 or (found == 0 and call["action_id"] in succeeded)
    return wrong

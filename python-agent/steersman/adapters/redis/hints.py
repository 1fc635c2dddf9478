"""Hints over Redis: one channel for all, a burst sent as one message."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from steersman.adapters.redis.line import RedisLine

_CHANNEL = "steersman:hints"
_COALESCE = timedelta(milliseconds=10)


class RedisHints:
    """The port Hints for all processes on one Redis; within this process also without it."""

    def __init__(self, line: RedisLine) -> None:
        self._line = line
        self._name = uuid4().hex
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._unsent: dict[str, None] = {}
        line.subscribe(_CHANNEL, self._receive)
        # Whatever was published while we were not listening is lost: everybody looks.
        line.on_connected(lambda: self._wake(*self._listeners))

    async def publish(self, topic: str) -> None:
        """Wake the listeners here at once, and those of other processes a moment later."""
        self._wake(topic)
        if not self._unsent:
            loop = asyncio.get_running_loop()
            loop.call_later(_COALESCE.total_seconds(), self._flush)
        self._unsent[topic] = None

    def listen(self, topic: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` for each hint on the topic until the returned function is called."""
        self._listeners[topic].append(wake)

        def forget() -> None:
            if wake in self._listeners.get(topic, ()):
                self._listeners[topic].remove(wake)
            if not self._listeners[topic]:
                del self._listeners[topic]

        return forget

    def _flush(self) -> None:
        topics, self._unsent = self._unsent, {}
        self._line.send(("PUBLISH", _CHANNEL, "\n".join((self._name, *topics))))

    def _receive(self, message: bytes) -> None:
        sender, *topics = message.decode(errors="replace").split("\n")
        if sender != self._name:
            self._wake(*topics)

    def _wake(self, *topics: str) -> None:
        for topic in topics:
            for wake in tuple(self._listeners.get(topic, ())):
                wake()

"""Deltas over Redis: a channel per task, and the text so far for those who come late.

The text so far is a key `epoch:step:text` that grows with each delta and soon goes away.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson

from steersman.adapters.redis.line import RedisLine
from steersman.core.deltas import Delta
from steersman.core.ids import TaskId
from steersman.core.text import clean

Receive = Callable[[Delta], None]

_TIME_TO_LIVE = timedelta(seconds=60)
_KEPT = re.compile(rb"(\d+):(\d+):(.*)", re.DOTALL)


class RedisDeltaFeed:
    """The port DeltaFeed for all processes on one Redis; within this process also without it."""

    def __init__(self, line: RedisLine) -> None:
        self._line = line
        self._name = uuid4().hex
        self._listeners: defaultdict[TaskId, list[Receive]] = defaultdict(list)
        self._reading: set[asyncio.Task[None]] = set()

    def publish(self, delta: Delta) -> None:
        """Hand a delta to those who watch its task, here and elsewhere."""
        for receive in tuple(self._listeners.get(delta.task_id, ())):
            receive(delta)
        key, text = _key(delta.task_id), clean(delta.text)
        head = f"{delta.epoch}:{delta.step}:"
        keep = ("APPEND", key, text) if delta.offset else ("SET", key, head + text)
        message = orjson.dumps([self._name, delta.epoch, delta.step, delta.offset, text])
        expire = ("PEXPIRE", key, int(_TIME_TO_LIVE.total_seconds() * 1000))
        self._line.send(keep, expire, ("PUBLISH", _channel(delta.task_id), message))

    def end(self, task_id: TaskId) -> None:
        """Forget the text so far."""
        self._line.send(("DEL", _key(task_id)))

    def listen(self, task_id: TaskId, receive: Receive) -> Callable[[], None]:
        """Call `receive` with the text so far, and with each delta until told otherwise."""
        self._listeners[task_id].append(receive)
        unsubscribe = self._line.subscribe(
            _channel(task_id), lambda message: self._receive(task_id, message, receive)
        )
        reading = asyncio.create_task(self._catch_up(task_id, receive))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

        def forget() -> None:
            reading.cancel()
            unsubscribe()
            if receive in self._listeners.get(task_id, ()):
                self._listeners[task_id].remove(receive)
            if not self._listeners[task_id]:
                del self._listeners[task_id]

        return forget

    async def _catch_up(self, task_id: TaskId, receive: Receive) -> None:
        kept = await self._line.read(_key(task_id))
        if kept and (found := _KEPT.fullmatch(kept)):
            epoch, step, text = int(found[1]), int(found[2]), found[3].decode(errors="replace")
            receive(Delta(task_id, epoch, step, 0, text))

    def _receive(self, task_id: TaskId, message: bytes, receive: Receive) -> None:
        match _parsed(message):
            case [str(sender), int(epoch), int(step), int(offset), str(text)]:
                if sender != self._name:
                    receive(Delta(task_id, epoch, step, offset, text))
            case _:
                pass


def _parsed(message: bytes) -> Any:
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        return None


def _channel(task_id: TaskId) -> str:
    return f"steersman:deltas:{task_id}"


def _key(task_id: TaskId) -> str:
    return f"steersman:partial:{task_id}"

"""The JSON protocol: commands and watches in, answers, errors, events and deltas out.

A command is answered by `answer` or `error` with its `command_id`; a watch that cannot begin or go
on by an `error` with its `task_id`. A second watch of a task replaces the first.
"""

import asyncio
import json

from pydantic import ValidationError

from steersman.api.chat_frames import Frame, Unwatch, Watch, read_frame
from steersman.api.dependencies import ApiDependencies
from steersman.api.executing import execute, failure, parse, place_of
from steersman.api.sockets import TextSocket
from steersman.api.wire import to_json, watching, wire_object
from steersman.core.errors import Invalid, RequestError, SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId

JSON_PROTOCOL = "steersman.v1.json"
MAX_WATCHES = 256


class JsonChat:
    """One connection. Its watches run in `group` and end with it."""

    def __init__(
        self, socket: TextSocket, api: ApiDependencies, owner: OwnerId, *, group: asyncio.TaskGroup
    ) -> None:
        self._socket = socket
        self._api = api
        self._owner = owner
        self._group = group
        self._watches: dict[TaskId, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Answer frame after frame."""
        async for frame in self._socket.frames():
            if isinstance(frame, RequestError):
                await self._fail(failure(frame, {}))
            else:
                await self._take(frame)

    async def _take(self, frame: str) -> None:
        place: JsonObject = {}
        try:
            body = parse(frame)
            place = place_of(body)
            await self._do(read_frame(body))
        except (ValidationError, SteersmanError) as error:
            await self._fail(failure(error, place))

    async def _do(self, request: Frame) -> None:
        match request:
            case Watch():
                self._begin(TaskId(request.task_id), request.after)
            case Unwatch():
                self._end(TaskId(request.task_id))
            case _:
                answer = await execute(request, self._api, self._owner)
                await self._socket.send(to_json(answer))

    def _begin(self, task_id: TaskId, after: int) -> None:
        self._end(task_id)
        if len(self._watches) >= MAX_WATCHES:
            raise Invalid(f"A connection watches at most {MAX_WATCHES} tasks; unwatch one.")
        watch = self._group.create_task(self._watch(task_id, after))
        self._watches[task_id] = watch
        watch.add_done_callback(lambda ended: self._forget(task_id, ended))

    def _end(self, task_id: TaskId) -> None:
        if watch := self._watches.pop(task_id, None):
            watch.cancel()

    def _forget(self, task_id: TaskId, ended: asyncio.Task[None]) -> None:
        if self._watches.get(task_id) is ended:
            del self._watches[task_id]

    async def _watch(self, task_id: TaskId, after: int) -> None:
        try:
            async with watching(self._api.tasks, task_id, self._owner, after=after) as items:
                async for item in items:
                    await self._socket.send(to_json(wire_object(item)))
        except SteersmanError as error:
            await self._fail(failure(error, {"task_id": task_id}))

    async def _fail(self, error: JsonObject) -> None:
        # What was sent can come back here, half surrogate pairs included: pure ASCII holds them.
        await self._socket.send(json.dumps(error))

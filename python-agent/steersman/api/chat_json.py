"""The JSON protocol: commands and watches in, answers, errors, events and deltas out.

A command is answered by `answer` or `error` with its `command_id`; a watch that cannot begin or go
on by an `error` with its `task_id`. A second watch of a task replaces the first.
"""

import asyncio
import json
from typing import Any, assert_never, cast

from pydantic import ValidationError

from steersman.api.chat_frames import (
    AddMessageTo,
    DecideApprovalNow,
    Frame,
    PauseTaskNow,
    ResumeTaskNow,
    StopTaskNow,
    SubmitTask,
    Unwatch,
    Watch,
    read_frame,
)
from steersman.api.dependencies import ApiDependencies
from steersman.api.problems import Problem, describe, field_problems, invalid
from steersman.api.sockets import TextSocket
from steersman.api.wire import to_json, watching, wire_object
from steersman.core.clock import SystemClock, new_id
from steersman.core.commands import Command
from steersman.core.errors import Invalid, Malformed, RequestError, SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId

JSON_PROTOCOL = "steersman.v1.json"
MAX_WATCHES = 256
_MAX_ID = 200


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
                await self._fail(describe(frame), {})
            else:
                await self._take(frame)

    async def _take(self, frame: str) -> None:
        place: JsonObject = {}
        try:
            body = _parse(frame)
            place = _place(body)
            await self._do(read_frame(body))
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            # The first part of a place is the type, by which the shape was chosen.
            fields = field_problems(errors, skip=1) if errors[0]["loc"] else field_problems(errors)
            await self._fail(invalid(fields), place)
        except SteersmanError as error:
            await self._fail(describe(error), place)

    async def _do(self, request: Frame) -> None:
        match request:
            case SubmitTask():
                command_id = request.command_id or new_id(SystemClock())
                accepted = await self._api.tasks.submit(
                    request.to_new_task(), self._owner, command_id=command_id
                )
                await self._answer({"command_id": command_id}, accepted)
            case AddMessageTo() | StopTaskNow() | PauseTaskNow() | ResumeTaskNow():
                await self._post(TaskId(request.task_id), request.to_command(), request.command_id)
            case DecideApprovalNow():
                wish = request.to_decision(request.approval_id)
                ruled = await self._api.approvals.decide(
                    wish, self._owner, command_id=request.command_id
                )
                await self._answer({}, ruled)
            case Watch():
                self._begin(TaskId(request.task_id), request.after)
            case Unwatch():
                self._end(TaskId(request.task_id))
            case _:
                assert_never(request)

    async def _post(self, task_id: TaskId, command: Command, command_id: str | None) -> None:
        posted = await self._api.tasks.post(task_id, self._owner, command, command_id=command_id)
        await self._answer({"task_id": task_id}, posted)

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
            await self._fail(describe(error), {"task_id": task_id})

    async def _answer(self, place: JsonObject, answer: JsonObject) -> None:
        message = {"type": "answer", **place, "status": 202, **answer}
        await self._socket.send(to_json(message))

    async def _fail(self, problem: Problem, place: JsonObject) -> None:
        what = problem.model_dump(
            mode="json", exclude_none=True, include={"status", "code", "detail", "errors"}
        )
        # What was sent can come back here, half surrogate pairs included: pure ASCII holds them.
        await self._socket.send(json.dumps({"type": "error", **place, **what}))


def _parse(frame: str) -> JsonObject:
    try:
        body: object = json.loads(frame)
    except (ValueError, RecursionError):
        raise Malformed("The frame is no JSON.") from None
    if not isinstance(body, dict):
        raise Malformed("A frame is one JSON object.")
    return cast(JsonObject, body)


def _place(body: JsonObject) -> JsonObject:
    """Return what an answer names of its request."""
    named: dict[str, Any] = {key: body.get(key) for key in ("command_id", "task_id")}
    return {key: v for key, v in named.items() if isinstance(v, str) and len(v) <= _MAX_ID}

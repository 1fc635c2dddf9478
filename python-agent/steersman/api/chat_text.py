"""The plain-text protocol: a text is a goal, and what happens comes back as `EVENT: NAME\\n…`.

While a task of this connection has an open question, the next text is the answer to the oldest
one. When several tasks of a connection go on at once, each message names its task first.
"""

import asyncio
from contextlib import ExitStack

from pydantic import ValidationError

from steersman.api.admission import Admission, Place
from steersman.api.dependencies import ApiDependencies
from steersman.api.narration import narrate
from steersman.api.problems import field_problems
from steersman.api.requests import MessageBody, TaskBody
from steersman.api.sockets import TextSocket
from steersman.api.wire import watching
from steersman.core import events as ev
from steersman.core.deltas import Delta
from steersman.core.errors import RequestError, SteersmanError, TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.text import shorten

_GOAL_CHARACTERS = 200


class TextChat:
    """One connection. What follows its tasks runs in `group` and ends with it."""

    def __init__(
        self,
        socket: TextSocket,
        api: ApiDependencies,
        owner: OwnerId,
        *,
        group: asyncio.TaskGroup,
        admission: Admission,
    ) -> None:
        self._socket = socket
        self._tasks = api.tasks
        self._owner = owner
        self._group = group
        self._admission = admission
        self._followed: set[TaskId] = set()
        self._asking: dict[TaskId, None] = {}

    async def serve(self) -> None:
        """Take text after text."""
        async for frame in self._socket.frames():
            try:
                await self._take(frame)
            except ValidationError as error:
                what = "; ".join(each.message for each in field_problems(error.errors()))
                await self._say("FATAL_ERROR", f"This text cannot be taken: {what}")
            except SteersmanError as error:
                await self._say("FATAL_ERROR", str(error))

    async def _take(self, frame: str | RequestError) -> None:
        if isinstance(frame, RequestError):
            raise frame
        if self._asking:
            return await self._reply(next(iter(self._asking)), frame)
        goal = TaskBody(goal=frame)
        busy_with = self._admission.busy_with()
        if busy_with is None:
            return await self._submit(goal)
        text = f"Agent is busy with: {shorten(busy_with, _GOAL_CHARACTERS)}"
        return await self._say("TASK_REJECTED", text)

    async def _reply(self, task_id: TaskId, text: str) -> None:
        command = MessageBody(text=text).to_command()
        self._asking.pop(task_id)
        await self._tasks.post(task_id, self._owner, command)

    async def _submit(self, goal: TaskBody) -> None:
        with ExitStack() as undo:
            place = self._admission.take_place(goal.goal)
            undo.callback(place.release)
            accepted = await self._tasks.submit(goal.to_new_task(), self._owner)
            place.task_id = accepted["task_id"]
            task_id = TaskId(accepted["task_id"])
            self._followed.add(task_id)
            undo.callback(self._followed.discard, task_id)
            following = self._group.create_task(self._follow(task_id, accepted, place))
            keep = undo.pop_all()
        following.add_done_callback(lambda _ended: keep.close())

    async def _follow(self, task_id: TaskId, accepted: JsonObject, place: Place) -> None:
        ids = f"task_id: {task_id}\nconversation_id: {accepted['conversation_id']}"
        await self._say("TASK_ACCEPTED", ids)
        try:
            async with watching(self._tasks, task_id, self._owner, after=0) as items:
                async for item in items:
                    if isinstance(item, Delta):
                        continue
                    self._note(task_id, item.event, place)
                    if told := narrate(item.event):
                        await self._say(*told, task_id=task_id)
        except TaskNotFound:
            await self._say("FATAL_ERROR", "The task was deleted.", task_id=task_id)
        except SteersmanError as error:
            text = f"{error} The task goes on without this connection."
            await self._say("FATAL_ERROR", text, task_id=task_id)

    def _note(self, task_id: TaskId, event: ev.Event, place: Place) -> None:
        match event:
            case ev.TaskClaimed():
                place.release()
            case ev.QuestionAsked():
                self._asking[task_id] = None
            case ev.MessageAdded() | ev.TaskCompleted() | ev.TaskFailed() | ev.TaskStopped():
                self._asking.pop(task_id, None)
            case _:
                pass

    async def _say(self, name: str, text: str, *, task_id: TaskId | None = None) -> None:
        several = task_id is not None and len(self._followed) > 1
        head = f"Task {task_id}\n" if several else ""
        await self._socket.send(f"EVENT: {name}\n{head}{text}")

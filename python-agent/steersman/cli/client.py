"""What the commands need of tasks: from the store of this machine, or from a server."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from steersman.api.ports import Content
from steersman.core.approval_desk import ApprovalFilter, Approvals
from steersman.core.commands import Command, DecideApproval
from steersman.core.conversations import ConversationFilter, Conversations
from steersman.core.errors import ConfigurationError, Invalid, TaskNotFound
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER, OwnerId, TaskId
from steersman.core.new_task import NewTask
from steersman.core.ports import Page, TaskFilter
from steersman.core.retention import Removals
from steersman.core.tasks import Tasks
from steersman.settings import Settings

_ID_LENGTH = 36
_MIN_SUFFIX_LENGTH = 4
_SEARCHED_PAGES = 10
_PAGE_LENGTH = 100


class TaskClient(Protocol):
    """Do things with tasks. Events and deltas are wire JSON, so that unknown ones pass.

    Raises RequestError leaves and Unavailable.
    """

    @property
    def notes(self) -> Sequence[str]:
        """What the person should know before anything runs, one line each."""
        ...

    async def submit(self, request: NewTask, *, directory: str | None = None) -> JsonObject:
        """Write a task down. `directory` is for the person at the machine only."""
        ...

    async def post(self, task_id: TaskId, command: Command) -> JsonObject: ...

    async def view(self, task_id: TaskId, *, min_seq: int = 0) -> JsonObject: ...

    async def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Page: ...

    async def approvals(self, *, states: Sequence[str] = (), limit: int = 50) -> Page: ...

    async def decide(self, wish: DecideApproval) -> JsonObject: ...

    async def artifact(self, task_id: TaskId, name: str) -> bytes:
        """Read what was too long for an event, and make sure that it is what the name says."""
        ...

    async def conversations(self, *, archived: bool = False, limit: int = 50) -> Page: ...

    async def delete(self, task_id: TaskId) -> None:
        """Delete the tree of a root task that has ended."""
        ...

    def watch(self, task_id: TaskId, *, after: int = 0) -> AsyncIterator[JsonObject]:
        """Yield events past `after`, deltas between; end after a final event."""
        ...

    def attend(self, task_id: TaskId) -> AbstractAsyncContextManager[object]:
        """Have the task worked on, in this process if no other does, as long as this is open."""
        ...


class Workspaces(Protocol):
    """What is used of the workspaces' side."""

    async def artifact(self, task_id: TaskId, owner_id: OwnerId, sha256: str) -> Content: ...


class OpenApp(Protocol):
    """What is used of the wired application."""

    @property
    def tasks(self) -> Tasks: ...

    @property
    def approvals(self) -> Approvals: ...

    @property
    def conversations(self) -> Conversations: ...

    @property
    def removals(self) -> Removals: ...

    @property
    def workspaces(self) -> Workspaces: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def work(self, tree: TaskId) -> AbstractAsyncContextManager[object]: ...


class LocalClient:
    """The store of this machine, as its owner `local`."""

    def __init__(self, app: OpenApp) -> None:
        self.notes = app.notes
        self._tasks = app.tasks
        self._approvals = app.approvals
        self._conversations = app.conversations
        self._removals = app.removals
        self._app = app

    async def submit(self, request: NewTask, *, directory: str | None = None) -> JsonObject:
        return await self._tasks.submit(request, LOCAL_OWNER, directory=directory)

    async def post(self, task_id: TaskId, command: Command) -> JsonObject:
        return await self._tasks.post(task_id, LOCAL_OWNER, command)

    async def view(self, task_id: TaskId, *, min_seq: int = 0) -> JsonObject:
        return await self._tasks.view(task_id, LOCAL_OWNER, min_seq=min_seq)

    async def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Page:
        query = TaskFilter(LOCAL_OWNER, states=tuple(states), limit=limit, cursor=cursor)
        return await self._tasks.list(query)

    async def approvals(self, *, states: Sequence[str] = (), limit: int = 50) -> Page:
        query = ApprovalFilter(LOCAL_OWNER, states=tuple(states), limit=limit)
        return await self._approvals.list(query)

    async def decide(self, wish: DecideApproval) -> JsonObject:
        return await self._approvals.decide(wish, LOCAL_OWNER)

    async def artifact(self, task_id: TaskId, name: str) -> bytes:
        content = await self._app.workspaces.artifact(task_id, LOCAL_OWNER, name)
        return b"".join([chunk async for chunk in content.chunks])

    async def conversations(self, *, archived: bool = False, limit: int = 50) -> Page:
        query = ConversationFilter(LOCAL_OWNER, archived=archived, limit=limit)
        return await self._conversations.list(query)

    async def delete(self, task_id: TaskId) -> None:
        await self._removals.delete(task_id, LOCAL_OWNER)

    async def watch(self, task_id: TaskId, *, after: int = 0) -> AsyncGenerator[JsonObject]:
        async for item in self._tasks.watch(task_id, LOCAL_OWNER, after=after):
            yield item.to_wire()

    def attend(self, task_id: TaskId) -> AbstractAsyncContextManager[object]:
        return self._app.work(task_id)


@asynccontextmanager
async def open_client(settings: Settings, *, works: bool = False) -> AsyncGenerator[TaskClient]:
    """Open the server of STEERSMAN_URL, or else the store of this machine.

    `works`: tasks can be attended, so the sandbox is tried and the model's library loaded.
    """
    # What is not used is not imported: the store and the web client each cost 0.2 s and more.
    if settings.url is not None:
        from steersman.cli.remote import open_remote  # noqa: PLC0415

        async with open_remote(settings.url, settings.api_token) as client:
            yield client
    else:
        from steersman.app.wiring import open_app  # noqa: PLC0415

        require_home(settings.home)
        async with open_app(settings, works=works) as app:
            yield LocalClient(app)


def require_home(home: Path) -> None:
    """Make the directory of everything, or raise ConfigurationError that says what is wrong."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        usable = os.access(home, os.R_OK | os.W_OK | os.X_OK)
        reason = None if usable else "you may not write there"
    except OSError as error:
        reason = str(error.strerror)
    if reason is not None:
        raise ConfigurationError(
            f"STEERSMAN_HOME={home}: {reason}; set it to a directory of your own"
        )


async def find_task(client: TaskClient, text: str) -> TaskId:
    """Return the id that was given whole or by its end, among the newest tasks."""
    suffix = text.strip().lower()
    if len(suffix) == _ID_LENGTH:
        return TaskId(suffix)
    if len(suffix) < _MIN_SUFFIX_LENGTH:
        raise Invalid(f"{text!r}: give the whole task id, or at least its last 4 characters")
    found = [task_id async for task_id in _newest_ids(client) if task_id.endswith(suffix)]
    if len(found) > 1:
        raise Invalid(f"{text!r} is the end of {len(found)} tasks; give more of the id")
    if not found:
        raise TaskNotFound(f"No task ends in {text!r}; `steersman tasks` lists them")
    return found[0]


async def _newest_ids(client: TaskClient) -> AsyncGenerator[TaskId]:
    cursor: str | None = None
    for _ in range(_SEARCHED_PAGES):
        page = await client.list(limit=_PAGE_LENGTH, cursor=cursor)
        for item in page.items:
            yield TaskId(item["task_id"])
        cursor = page.next_cursor
        if cursor is None:
            return

"""Stand-ins for what `app.py` wires: enough of tasks and workspaces to speak to over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from steersman.api.ports import Content, FileListing, GitSource, StoredWorkspace
from steersman.core.clock import SystemClock, new_id
from steersman.core.commands import Command
from steersman.core.deltas import Delta
from steersman.core.errors import (
    CommandConflict,
    ConversationBusy,
    CursorAhead,
    Invalid,
    NotFound,
    StoreUnavailable,
    TaskEnded,
    TaskNotFound,
)
from steersman.core.events import Envelope, Event, JsonObject, TaskSubmitted
from steersman.core.fold import fold
from steersman.core.ids import CommandId, ConversationId, OwnerId, TaskId
from steersman.core.limits import Limits
from steersman.core.new_task import NewTask
from steersman.core.ports import Page, TaskFilter
from steersman.core.tasks import FINAL_STATES, EventPage, Tasks
from steersman.core.tool import FileEntry, ToolFailure
from steersman.core.view import task_view

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Posted:
    """A command as it arrived."""

    task_id: TaskId
    owner_id: OwnerId
    command: Command
    command_id: str


class InMemoryTasks(Tasks):
    """Logs in memory. `play` is the worker: it appends events as they are told."""

    def __init__(self) -> None:
        self.logs: dict[TaskId, list[Envelope]] = {}
        self.posted: list[Posted] = []
        self.watchers = 0
        self.down = False
        self._answers: dict[str, tuple[object, JsonObject]] = {}
        self._deltas: dict[TaskId, list[Delta]] = {}
        self._grown = asyncio.Condition()

    async def play(self, task_id: TaskId, *happened: Event | Delta) -> None:
        for item in happened:
            if isinstance(item, Delta):
                self._deltas.setdefault(task_id, []).append(item)
            else:
                self._append(task_id, item)
        async with self._grown:
            self._grown.notify_all()

    async def submit(
        self,
        request: NewTask,
        owner_id: OwnerId,
        *,
        command_id: str | None = None,
        directory: str | None = None,
    ) -> JsonObject:
        self._require_up()
        if request.role not in (None, "developer"):
            raise Invalid("There is no such role. The roles are: developer.")
        if request.on_busy == "reject":
            raise ConversationBusy
        return self._once(command_id, request, lambda: self._begin(request, owner_id))

    async def post(
        self,
        task_id: TaskId,
        owner_id: OwnerId,
        command: Command,
        *,
        command_id: str | None = None,
    ) -> JsonObject:
        view = await self.view(task_id, owner_id)
        if view["state"] in FINAL_STATES and command.type != "stop_task":
            raise TaskEnded
        key = command_id or new_id(CLOCK)
        answer: JsonObject = {"command_id": key, "state": view["state"]}
        first = self._once(key, (task_id, command), lambda: answer)
        if first is answer:
            self.posted.append(Posted(task_id, owner_id, command, key))
        return first

    async def view(self, task_id: TaskId, owner_id: OwnerId, *, min_seq: int = 0) -> JsonObject:
        view = self._view(task_id)
        if min_seq > view["seq"]:
            raise CursorAhead
        return view

    async def list(self, query: TaskFilter) -> Page:
        self._require_up()
        views = (self._view(task_id) for task_id in reversed(self.logs))
        fitting = [v for v in views if not query.states or v["state"] in query.states]
        return Page(tuple(fitting[: query.limit]), None)

    async def events(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0, limit: int = 500
    ) -> EventPage:
        view = self._view(task_id)
        if after > view["seq"]:
            raise CursorAhead
        events = tuple(self.logs[task_id][after : after + limit])
        next_after = after + len(events)
        return EventPage(
            events, next_after, view["state"] in FINAL_STATES and next_after == view["seq"]
        )

    async def watch(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0
    ) -> AsyncGenerator[Envelope | Delta, None]:
        await self.events(task_id, owner_id, after=after)
        self.watchers += 1
        try:
            async for item in self._follow(task_id, after):
                yield item
        finally:
            self.watchers -= 1

    async def _follow(self, task_id: TaskId, after: int) -> AsyncIterator[Envelope | Delta]:
        heard = len(self._deltas.get(task_id, []))
        while True:
            self._view(task_id)
            for envelope in self.logs[task_id][after:]:
                yield envelope
                after = envelope.seq
            for delta in self._deltas.get(task_id, [])[heard:]:
                yield delta
                heard += 1
            if self._view(task_id)["state"] in FINAL_STATES:
                return
            async with self._grown:
                await self._grown.wait_for(partial(self._is_news, task_id, after, heard))

    def _is_news(self, task_id: TaskId, after: int, heard: int) -> bool:
        more_deltas = len(self._deltas.get(task_id, [])) > heard
        return self.down or more_deltas or len(self.logs.get(task_id, ())) != after

    def _begin(self, request: NewTask, owner_id: OwnerId) -> JsonObject:
        task_id = TaskId(new_id(CLOCK))
        conversation_id = ConversationId(request.conversation_id or new_id(CLOCK))
        self.logs[task_id] = []
        submitted = TaskSubmitted(
            goal=request.goal,
            role=request.role or "developer",
            conversation_id=conversation_id,
            root_id=task_id,
            owner_id=owner_id,
            workspace=request.workspace or conversation_id,
            limits=Limits.model_validate(request.limits),
            team_version="test",
        )
        self._append(task_id, submitted)
        place: JsonObject = {"task_id": task_id, "conversation_id": conversation_id}
        return {**place, "seq": 1, "state": "queued"}

    def _append(self, task_id: TaskId, event: Event, command_id: str | None = None) -> None:
        log = self.logs[task_id]
        answered = CommandId(command_id) if command_id else None
        epoch = 0 if not log else 1
        log.append(Envelope(task_id, len(log) + 1, CLOCK.now(), epoch, event, answered))

    def _once(
        self, command_id: str | None, body: object, do: Callable[[], JsonObject]
    ) -> JsonObject:
        if command_id is None:
            return do()
        if command_id not in self._answers:
            self._answers[command_id] = (body, do())
        known, answer = self._answers[command_id]
        if known != body:
            raise CommandConflict
        return answer

    def _view(self, task_id: TaskId) -> JsonObject:
        self._require_up()
        if task_id not in self.logs:
            raise TaskNotFound
        return {**task_view(fold(self.logs[task_id])), "size_bytes": 1}

    def _require_up(self) -> None:
        if self.down:
            raise StoreUnavailable


class InMemoryWorkspaces:
    """One workspace for all tasks."""

    def __init__(self, tasks: InMemoryTasks) -> None:
        self._tasks = tasks
        self.contents = {"shop/cart.py": b"total = 1\n", "page.html": b"<script>"}
        self.put: dict[str, bytes | GitSource] = {}

    async def files(self, task_id: TaskId, owner_id: OwnerId) -> FileListing:
        await self._tasks.view(task_id, owner_id)
        files = [FileEntry(path, len(raw), 1e18) for path, raw in self.contents.items()]
        return FileListing((*files, FileEntry("caf\udce9", 1, -1.0)), truncated=False)

    async def file(self, task_id: TaskId, owner_id: OwnerId, path: str) -> Content:
        await self._tasks.view(task_id, owner_id)
        if ".." in path or path.startswith("/"):
            raise ToolFailure("outside_workspace", "This path is outside of the workspace.")
        if path not in self.contents:
            raise ToolFailure("not_found", "There is no such file.")
        raw = self.contents[path]
        return Content(chunks(raw), len(raw))

    async def diff(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        await self._tasks.view(task_id, owner_id)
        return Content(chunks(b"-a\n+b\n"))

    async def archive(self, task_id: TaskId, owner_id: OwnerId) -> Content:
        await self._tasks.view(task_id, owner_id)
        return Content(chunks(b"tar"))

    async def artifact(self, task_id: TaskId, owner_id: OwnerId, sha256: str) -> Content:
        await self._tasks.view(task_id, owner_id)
        if sha256 != "a" * 64:
            raise NotFound
        return Content(chunks(b"all of it"), 9)

    async def put_archive(self, owner_id: OwnerId, name: str, archive: Path) -> StoredWorkspace:
        self.put[name] = await asyncio.to_thread(archive.read_bytes)
        return StoredWorkspace(files=1, size_bytes=3)

    async def put_git(self, owner_id: OwnerId, name: str, source: GitSource) -> StoredWorkspace:
        self.put[name] = source
        return StoredWorkspace(files=2, size_bytes=30)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part

"""What people and programs can do with tasks: submit, command, read, watch.

REST, SSE, WebSocket and the CLI are thin skins over this class.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from steersman.core.answering import answer_for_nobody
from steersman.core.artifacts import SAID_LIMIT_BYTES, Kept, keep_text
from steersman.core.clock import new_id
from steersman.core.commands import (
    AddMessage,
    Command,
    request_hash,
)
from steersman.core.deltas import Delta, DeltaFeed
from steersman.core.errors import CursorAhead, Invalid
from steersman.core.events import Envelope, JsonObject
from steersman.core.fold import fold
from steersman.core.ids import CommandId, ConversationId, OwnerId, TaskId
from steersman.core.ledger import DUE, inbox_topic
from steersman.core.new_task import NewTask, first_event
from steersman.core.ports import Page, Posting, Submission, TaskFilter, TaskStore
from steersman.core.roles import Team
from steersman.core.runtime import Recording
from steersman.core.state import TaskPhase
from steersman.core.tail import Standing
from steersman.core.tailer import Tailer
from steersman.core.text import is_clean
from steersman.core.trees import nested
from steersman.core.view import task_view
from steersman.core.watch import watch

FINAL_STATES = frozenset({TaskPhase.COMPLETED, TaskPhase.FAILED, TaskPhase.STOPPED})


@dataclass(frozen=True, slots=True)
class EventPage:
    """Part of a log. `next_after` is the cursor to go on with; `final`: nothing will follow."""

    events: tuple[Envelope, ...]
    next_after: int
    final: bool


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new task gets when it does not say."""

    role: str


class Tasks:
    """All that can be asked of tasks, whoever asks. `owner_id` is always the asker.

    Raises RequestError leaves for what the caller did and StoreUnavailable.
    """

    def __init__(
        self,
        store: TaskStore,
        recording: Recording,
        *,
        team: Team,
        defaults: Defaults,
        deltas: DeltaFeed,
    ) -> None:
        self._store = store
        self._recording = recording
        self._team = team
        self._defaults = defaults
        self._tailer = Tailer(store, recording.hints, deltas)

    async def submit(
        self,
        request: NewTask,
        owner_id: OwnerId,
        *,
        command_id: str | None = None,
        directory: str | None = None,
    ) -> JsonObject:
        """Write a task down. Returns {task_id, conversation_id, seq, state} after the commit.

        `directory` is an absolute path to work in, for the person at the machine only.
        """
        submission = self._submission(request, owner_id, command_id, directory)
        answer = await self._store.submit(submission)
        await self._recording.hints.publish(DUE)
        if request.on_busy == "interrupt":
            await self._answer_interrupted(submission.conversation_id, owner_id)
        return answer

    def _submission(
        self, request: NewTask, owner_id: OwnerId, command_id: str | None, directory: str | None
    ) -> Submission:
        clock = self._recording.clock
        conversation_id = ConversationId(request.conversation_id or new_id(clock))
        body = {"type": "submit_task", **request.model_dump(mode="json"), "directory": directory}
        goal, role = _kept(request.goal), request.role or self._defaults.role
        kept = request.model_copy(update={"goal": goal.text, "role": role})
        first = first_event(kept, owner_id, conversation_id, team=self._team, clock=clock)
        return Submission(
            first=first,
            view=task_view(fold([first])),
            command_id=CommandId(command_id or new_id(clock)),
            request_hash=request_hash(body),
            owner_id=owner_id,
            conversation_id=conversation_id,
            workspace=request.workspace or conversation_id,
            workspace_path=directory,
            on_busy=request.on_busy,
            artifacts=goal.blobs,
        )

    async def post(
        self,
        task_id: TaskId,
        owner_id: OwnerId,
        command: Command,
        *,
        command_id: str | None = None,
    ) -> JsonObject:
        """Put a command into a task's inbox. Returns {command_id, state}.

        When nobody works on the task it is answered before this returns.
        """
        body = {"task_id": task_id, **command.model_dump(mode="json")}
        artifacts: Mapping[str, bytes] = {}
        if isinstance(command, AddMessage):
            text = _kept(command.text)
            command, artifacts = AddMessage(text=text.text), text.blobs
        posting = Posting(
            task_id=task_id,
            owner_id=owner_id,
            command_id=CommandId(command_id or self.new_command_id()),
            request_hash=request_hash(body),
            command=command,
            artifacts=artifacts,
        )
        return await self.deliver(posting)

    async def deliver(self, posting: Posting) -> JsonObject:
        """Put a command that is made into its task's inbox, as `post` does."""
        posted = await self._store.post(posting)
        for task_id in posted.reached:
            await self._recording.hints.publish(inbox_topic(task_id))
        # From below: a task that is stopped ends when the ends of its children are reported.
        for task_id in reversed(posted.reached):
            await self._answer_for_nobody(task_id)
        return posted.answer

    def new_command_id(self) -> CommandId:
        """Make the id of a command that came without one."""
        return CommandId(new_id(self._recording.clock))

    async def view(self, task_id: TaskId, owner_id: OwnerId, *, min_seq: int = 0) -> JsonObject:
        """Return the task's view, from the copy when that is at `min_seq` at least."""
        copy = await self._recording.cache.get(task_id)
        if copy and copy["owner_id"] == owner_id and copy["seq"] >= max(min_seq, 1):
            return copy
        view = await self._store.view(task_id, owner_id)
        if min_seq > view["seq"]:
            raise CursorAhead
        if view["state"] not in FINAL_STATES:
            await self._recording.cache.put(task_id, view["epoch"], view["seq"], view)
        return view

    async def tree(self, task_id: TaskId, owner_id: OwnerId) -> JsonObject:
        """Return {task, children}, each child in the same form, as of their last commits."""
        return nested(await self._store.tree(task_id, owner_id))

    async def list(self, query: TaskFilter) -> Page:
        """Return one page of views, newest first."""
        return await self._store.list(query)

    async def events(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0, limit: int = 500
    ) -> EventPage:
        """Return the events past `after`; raises CursorAhead past the end."""
        view = await self.view(task_id, owner_id, min_seq=after)
        events = await self._store.events(task_id, after, limit)
        last = events[-1].seq if events else after
        final = view["state"] in FINAL_STATES and last >= view["seq"]
        return EventPage(events, last, final)

    async def watch(
        self, task_id: TaskId, owner_id: OwnerId, *, after: int = 0
    ) -> AsyncGenerator[Envelope | Delta, None]:
        """Yield each event past `after` once, in order, deltas between; end after a final event.

        Raises TaskNotFound, also when the task is deleted meanwhile.
        """
        view = await self.view(task_id, owner_id, min_seq=after)
        if view["state"] in FINAL_STATES and after == view["seq"]:
            return
        async for item in watch(self._store, self._tailer, Standing.of(view), after=after):
            yield item

    async def _answer_interrupted(self, conversation_id: ConversationId, owner_id: OwnerId) -> None:
        """End what an interruption has stopped, in case that nobody works on it."""
        states = (TaskPhase.RUNNING.value, TaskPhase.WAITING.value, TaskPhase.QUEUED.value)
        query = TaskFilter(owner_id, states=states, conversation_id=conversation_id)
        for view in reversed((await self._store.list(query)).items):
            await self._answer_for_nobody(TaskId(view["task_id"]))

    async def _answer_for_nobody(self, task_id: TaskId) -> None:
        await answer_for_nobody(task_id, self._recording)


def _kept(text: str) -> Kept:
    if not is_clean(text):
        raise Invalid("NUL and unpaired surrogates cannot be kept.")
    return keep_text(text, SAID_LIMIT_BYTES)

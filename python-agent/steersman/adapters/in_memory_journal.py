"""The port Journal in one process's memory: the fences of the real one, nothing that lasts.

What it keeps is JSON text, as in the database, so whatever cannot be written and read back shows
here too. Conversations and shared workspaces are left out: every task is free to be claimed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from steersman.core.approvals import Remembered
from steersman.core.approving import PENDING
from steersman.core.clock import Clock
from steersman.core.commands import (
    InboxCommand,
    InboxEntry,
    parse_command,
    reaches_below,
)
from steersman.core.conversation import Earlier
from steersman.core.delegation import author_of
from steersman.core.errors import ApprovalDecided, InboxMoved, LeaseLost, TaskEnded, TaskNotFound
from steersman.core.events import (
    ContextCompacted,
    Envelope,
    JsonObject,
    TaskSubmitted,
    parse_envelope,
)
from steersman.core.ids import CommandId, OwnerId, TaskId, WorkerId
from steersman.core.ports import (
    NOW,
    Claim,
    Decision,
    Posting,
    StoredHistory,
    Submission,
    WorkspaceRef,
)


@dataclass(slots=True)
class StoredTask:
    """A row of `tasks` with what hangs on it."""

    owner_id: OwnerId
    role: str
    root_id: TaskId
    parent_id: TaskId | None
    workspace: str
    due_at: datetime | None
    log: list[bytes]
    commit_ids: list[str]
    view: str
    inbox: list[tuple[CommandId, str, OwnerId]] = field(
        default_factory=list[tuple[CommandId, str, OwnerId]]
    )
    artifacts: dict[str, bytes] = field(default_factory=dict[str, bytes])
    approvals: dict[str, str] = field(default_factory=dict[str, str])
    worker_id: WorkerId | None = None
    epoch: int = 0
    fence: int = 0
    inbox_done: int = 0
    claims_since_progress: int = 0
    final: bool = False
    checkpoint: str | None = None
    checkpoint_seq: int = 0
    compacted_through: int = 0


class InMemoryTaskLog:
    """The tasks of all workers of this process. `live` are the workers whose lease stands."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.live: set[WorkerId] = set()
        self._tasks: dict[TaskId, StoredTask] = {}

    async def submit(self, submission: Submission) -> None:
        """Write a new task down."""
        task = self.insert(submission.first, submission.view)
        task.commit_ids.append(submission.command_id)
        task.artifacts |= submission.artifacts

    def insert(self, first: Envelope, view: JsonObject) -> StoredTask:
        """Add a task that is due at once."""
        if not isinstance(first.event, TaskSubmitted):
            raise ValueError("a log begins with task_submitted")
        task = self._tasks[first.task_id] = StoredTask(
            owner_id=first.event.owner_id,
            role=first.event.role,
            root_id=first.event.root_id,
            parent_id=first.event.parent_id,
            workspace=first.event.workspace,
            due_at=self.clock.now(),
            log=[_to_json(first)],
            commit_ids=[],
            view=json.dumps(view),
        )
        return task

    async def post(self, posting: Posting) -> None:
        """Put a command into a task's inbox, which makes the task due. Raises TaskEnded."""
        task = self.task(posting.task_id)
        if task.final:
            raise TaskEnded
        if (ruling := posting.ruling) is not None:
            if task.approvals.get(ruling.approval_id) != PENDING:
                raise ApprovalDecided
            task.artifacts |= ruling.artifacts
        task.artifacts |= posting.artifacts
        self.put(posting.task_id, posting.command_id, posting.command, posting.owner_id)

    def put(
        self, task_id: TaskId, command_id: CommandId, command: InboxCommand, author: OwnerId
    ) -> None:
        """Put a command into the inbox of a task that has not ended, or into those of its tree."""
        reached = self.subtree(task_id) if reaches_below(command) else [task_id]
        for task in map(self.task, reached):
            if not task.final:
                self._put(task, command_id, command, author)

    def _put(
        self, task: StoredTask, command_id: CommandId, command: InboxCommand, author: OwnerId
    ) -> None:
        body = json.dumps(command.model_dump(mode="json"))
        task.inbox.append((command_id, body, author))
        now = self.clock.now()
        task.due_at = now if task.due_at is None else min(task.due_at, now)

    def subtree(self, task_id: TaskId) -> list[TaskId]:
        """Name a task and all below it, parents first."""
        below = [one for one, task in self._tasks.items() if task.parent_id == task_id]
        return [task_id, *(found for child in below for found in self.subtree(child))]

    def find(self, task_id: TaskId) -> StoredTask | None:
        """Find a task, if there is one by that id."""
        return self._tasks.get(task_id)

    async def events(self, task_id: TaskId, after: int, limit: int) -> tuple[Envelope, ...]:
        """Read a part of a task's log."""
        task = self._tasks.get(task_id)
        texts = task.log[after : after + limit] if task else []
        return tuple(parse_envelope(json.loads(text)) for text in texts)

    async def new_events(self, after: Mapping[TaskId, int], limit: int) -> tuple[Envelope, ...]:
        """Read the logs of several tasks, each past its own cursor."""
        found = [
            one for task_id, seq in after.items() for one in await self.events(task_id, seq, limit)
        ]
        return tuple(found[:limit])

    async def gone(self, task_ids: Sequence[TaskId]) -> tuple[TaskId, ...]:
        """Return those that are not there."""
        return tuple(task_id for task_id in task_ids if task_id not in self._tasks)

    def delete(self, task_id: TaskId) -> None:
        """Drop a task with its log."""
        del self._tasks[task_id]

    def due_at(self, task_id: TaskId) -> datetime | None:
        """Say when somebody must look at the task."""
        return self.task(task_id).due_at

    def task(self, task_id: TaskId) -> StoredTask:
        """Find a task; raises TaskNotFound."""
        try:
            return self._tasks[task_id]
        except KeyError:
            raise TaskNotFound from None

    def due(self, roles: Sequence[str], tree: TaskId | None) -> list[TaskId]:
        """Name the tasks that may be claimed, the one that has been due longest first."""
        now = self.clock.now()
        found = [
            (task.due_at, task_id)
            for task_id, task in self._tasks.items()
            if task.due_at is not None
            and task.due_at <= now
            and task.role in roles
            and tree in (None, task.root_id)
            and self.is_free(task)
        ]
        return [task_id for _, task_id in sorted(found)]

    def is_free(self, task: StoredTask) -> bool:
        """Say whether no live worker holds the task and it has not ended."""
        return not task.final and task.worker_id not in self.live


class InMemoryJournal:
    """The port Journal for one worker of this process."""

    def __init__(self, tasks: InMemoryTaskLog, worker_id: WorkerId) -> None:
        self._tasks = tasks
        self._worker_id = worker_id

    async def claim(self, roles: Sequence[str], tree: TaskId | None = None) -> Claim | None:
        """Claim the task that has been due longest."""
        due = self._tasks.due(roles, tree)
        return self._take(due[0], to_work=True) if due else None

    async def claim_for_command(self, task_id: TaskId) -> Claim | None:
        """Claim a task that nobody holds, to answer its inbox."""
        free = self._tasks.is_free(self._tasks.task(task_id))
        return self._take(task_id, to_work=False) if free else None

    async def acquire_workspace(self, claim: Claim) -> WorkspaceRef | None:
        """Return it: every task is alone in its workspace here."""
        return self._workspace(self._tasks.task(claim.task_id))

    def _workspace(self, task: StoredTask) -> WorkspaceRef:
        task.fence += 1
        return WorkspaceRef(task.workspace, task.owner_id, task.workspace, None, task.fence)

    def _take(self, task_id: TaskId, *, to_work: bool) -> Claim:
        task = self._tasks.task(task_id)
        taken_over = task.worker_id is not None and task.worker_id != self._worker_id
        task.worker_id, task.epoch = self._worker_id, task.epoch + 1
        task.claims_since_progress += taken_over
        return Claim(
            task_id=task_id,
            worker_id=self._worker_id,
            epoch=task.epoch,
            version=len(task.log),
            inbox_seq=len(task.inbox),
            inbox_done=task.inbox_done,
            claims_since_progress=task.claims_since_progress,
            taken_over=taken_over,
            at=self._tasks.clock.now(),
            to_work=to_work,
            workspace=self._workspace(task) if to_work else None,
        )

    async def history(self, task_id: TaskId) -> StoredHistory:
        """Read the checkpoint and the events since the last compaction."""
        task = self._tasks.task(task_id)
        return StoredHistory(
            checkpoint=json.loads(task.checkpoint) if task.checkpoint else None,
            checkpoint_seq=task.checkpoint_seq,
            envelopes=await self._tasks.events(task_id, task.compacted_through, len(task.log)),
        )

    async def inbox(self, task_id: TaskId, after: int) -> tuple[InboxEntry, ...]:
        """Read the commands past number `after`."""
        entries = self._tasks.task(task_id).inbox[after:]
        return tuple(
            InboxEntry(n, command_id, parse_command(json.loads(body)), author)
            for n, (command_id, body, author) in enumerate(entries, start=after + 1)
        )

    async def artifact(self, task_id: TaskId, name: str) -> bytes | None:
        """Read what was too long for an event."""
        return self._tasks.task(task_id).artifacts.get(name)

    async def remembered(self, task_id: TaskId) -> Remembered:
        """Return nothing: there are no conversations here."""
        return {}

    async def earlier(self, task_id: TaskId) -> Earlier:
        """Know of nothing before."""
        return Earlier()

    async def child(self, task_id: TaskId, child_id: TaskId) -> JsonObject | None:
        """Read a child's view."""
        found = self._tasks.find(child_id)
        return json.loads(found.view) if found and found.parent_id == task_id else None

    async def commit(self, decision: Decision) -> int:
        """Write the decision, or find that it was written before."""
        task = self._tasks.task(decision.claim.task_id)
        if decision.commit_id in task.commit_ids:
            return _size_bytes(task)
        if not self._owns(task, decision.claim) or len(task.log) != decision.version:
            raise LeaseLost
        if decision.seen_inbox not in (None, len(task.inbox)):
            raise InboxMoved
        self._write(task, decision)
        self._tell(task, decision)
        return _size_bytes(task)

    def _tell(self, task: StoredTask, decision: Decision) -> None:
        """Do what a commit does to other tasks."""
        for child in decision.children:
            self._tasks.insert(child.first, child.view)
        for post in decision.posts:
            author = OwnerId(author_of(decision.claim.task_id))
            self._tasks.put(post.child_id, post.command_id, post.command, author)
        if (said := decision.report) is not None:
            self._tasks.put(said.parent_id, said.command_id, said.command, said.author)

    def _write(self, task: StoredTask, decision: Decision) -> None:
        task.log += [_to_json(envelope) for envelope in decision.envelopes]
        task.commit_ids.append(decision.commit_id)
        task.view = json.dumps(decision.view)
        task.inbox_done, task.final = decision.inbox_done, decision.final
        task.due_at = self._due_at(task, decision)
        task.artifacts |= decision.artifacts
        task.approvals |= {row.approval_id: row.state for row in decision.approvals}
        if decision.checkpoint is not None:
            task.checkpoint, task.checkpoint_seq = json.dumps(decision.checkpoint), len(task.log)
            events = (envelope.event for envelope in decision.envelopes)
            through = [e.through_seq for e in events if isinstance(e, ContextCompacted)]
            task.compacted_through = max(through, default=task.compacted_through)
        if decision.progress:
            task.claims_since_progress = 0
        if decision.release or decision.final:
            task.worker_id = None

    def _due_at(self, task: StoredTask, decision: Decision) -> datetime | None:
        if decision.final:
            return None
        return self._tasks.clock.now() if len(task.inbox) > task.inbox_done else decision.due_at

    async def release(
        self, claim: Claim, *, after: timedelta = NOW, failed: bool = False, fence: int = 0
    ) -> None:
        """Hand the task back without an event."""
        task = self._tasks.task(claim.task_id)
        if self._owns(task, claim):
            task.worker_id = None
            task.claims_since_progress += failed
            task.due_at = self._tasks.clock.now() + after
            task.fence = max(task.fence, fence)

    def disown(self, claim: Claim) -> None:
        """Do nothing: no answer gets lost here, so the log knows what is worked on."""

    def _owns(self, task: StoredTask, claim: Claim) -> bool:
        held = not task.final and task.worker_id == self._worker_id
        return held and task.epoch == claim.epoch


def _size_bytes(task: StoredTask) -> int:
    return sum(map(len, (*task.log, *task.artifacts.values())))


def _to_json(envelope: Envelope) -> bytes:
    """Write an event as strictly as the database does: no lone surrogates, no NaN."""
    return json.dumps(envelope.to_wire(), ensure_ascii=False, allow_nan=False).encode()

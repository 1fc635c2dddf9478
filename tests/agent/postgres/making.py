"""Values that the tests of the store are arranged from."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.tasks import PostgresTaskStore
from steersman.core.clock import SystemClock, new_id
from steersman.core.commands import AddMessage, Command, StopTask, request_hash
from steersman.core.events import Envelope, Event, MessageAdded, TaskStopped, TaskSubmitted
from steersman.core.ids import CommandId, ConversationId, MessageId, OwnerId, TaskId, WorkerId
from steersman.core.limits import Limits
from steersman.core.ports import Claim, Decision, Posting, Submission

ME = OwnerId("me")
HOST = "host-1"
CLOCK = SystemClock()
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ROLES = ("developer",)


@dataclass(frozen=True, slots=True)
class Store:
    """A pool with the task store of a process on it, and journals of as many workers as needed."""

    pool: PostgresPool
    tasks: PostgresTaskStore

    def journal(self, worker_id: str = "worker-1", host_id: str = HOST) -> PostgresJournal:
        return PostgresJournal(self.pool, WorkerId(worker_id), host_id)

    async def alive(self, worker_id: str, *, seconds: float) -> None:
        """Make a worker's lease end in so many seconds, which may be negative."""
        await self.pool.fetch(
            "INSERT INTO workers VALUES ($1, $2, now() + make_interval(secs => $3), '{}', 1)"
            " ON CONFLICT (id) DO UPDATE SET lease_until = EXCLUDED.lease_until",
            worker_id,
            HOST,
            seconds,
        )


@asynccontextmanager
async def opened(dsn: str, *, size: int = 4) -> AsyncGenerator[Store]:
    pool = await PostgresPool.open(dsn, size=size)
    try:
        yield Store(pool, PostgresTaskStore(pool, HOST))
    finally:
        await pool.close()


def submission(
    *,
    owner_id: OwnerId = ME,
    conversation_id: str | None = None,
    workspace: str | None = None,
    workspace_path: str | None = None,
    command_id: str | None = None,
    on_busy: Literal["enqueue", "reject", "interrupt"] = "enqueue",
    goal: str = "make it work",
) -> Submission:
    task_id = TaskId(new_id(CLOCK))
    conversation = ConversationId(conversation_id or new_id(CLOCK))
    name = workspace or conversation
    event = TaskSubmitted(
        goal=goal,
        role="developer",
        conversation_id=conversation,
        root_id=task_id,
        owner_id=owner_id,
        workspace=name,
        limits=Limits(),
        team_version="1",
    )
    return Submission(
        first=Envelope(task_id, 1, CLOCK.now(), 0, event),
        view={"task_id": task_id, "goal": goal, "state": "queued", "seq": 1},
        command_id=CommandId(command_id or new_id(CLOCK)),
        request_hash=request_hash({"goal": goal}),
        owner_id=owner_id,
        conversation_id=conversation,
        workspace=name,
        workspace_path=workspace_path,
        on_busy=on_busy,
    )


def posting(task_id: TaskId, command: Command, command_id: str | None = None) -> Posting:
    body = command.model_dump(mode="json")
    return Posting(task_id, ME, CommandId(command_id or new_id(CLOCK)), request_hash(body), command)


def message(task_id: TaskId, text: str = "hello", command_id: str | None = None) -> Posting:
    return posting(task_id, AddMessage(text=text), command_id)


def stop(task_id: TaskId, command_id: str | None = None) -> Posting:
    return posting(task_id, StopTask(), command_id)


def said(text: str = "step") -> MessageAdded:
    return MessageAdded(message_id=MessageId("m"), text=text, author_id=ME)


def decision(
    claim: Claim,
    *events: Event,
    version: int | None = None,
    state: str = "running",
    due_at: datetime | None = LONG_AGO,
    final: bool = False,
    release: bool = False,
    seen_inbox: int | None = None,
) -> Decision:
    """Decide `events`, by default one message, after `version`."""
    after = claim.version if version is None else version
    envelopes = tuple(
        Envelope(claim.task_id, after + n, CLOCK.now(), claim.epoch, event)
        for n, event in enumerate(events or (said(),), start=1)
    )
    seq = after + len(envelopes)
    return Decision(
        claim=claim,
        version=after,
        commit_id=new_id(CLOCK),
        envelopes=envelopes,
        state=state,
        waiting_for=(),
        due_at=due_at,
        final=final,
        view={"task_id": claim.task_id, "state": state, "seq": seq},
        spent={"steps": seq},
        inbox_done=claim.inbox_seq,
        progress=True,
        release=release,
        seen_inbox=seen_inbox,
    )


def ending(claim: Claim, *, version: int | None = None) -> Decision:
    event = TaskStopped(by=ME)
    return decision(claim, event, version=version, state="stopped", final=True, release=True)


async def submitted(store: Store, **values: str) -> TaskId:
    answer = await store.tasks.submit(submission(**values))  # pyright: ignore[reportArgumentType]
    return TaskId(answer["task_id"])


async def claimed(store: Store, worker_id: str = "worker-1") -> Claim:
    """Submit a task and claim it for a worker that lives."""
    await store.alive(worker_id, seconds=60)
    await submitted(store)
    claim = await store.journal(worker_id).claim(ROLES)
    assert claim is not None
    return claim

"""States, logs and commands that the tests of the core are arranged from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from steersman.core.clock import new_id
from steersman.core.commands import (
    AddMessage,
    Command,
    InboxEntry,
    PauseTask,
    ResumeTask,
    StopTask,
    request_hash,
)
from steersman.core.events import (
    Action,
    ActionFailed,
    ActionStarted,
    ActionSucceeded,
    Effect,
    Envelope,
    Event,
    MessageAdded,
    ModelCallFailed,
    QuestionAsked,
    TaskClaimed,
    TaskPaused,
    TaskResumed,
    TaskSubmitted,
    ThoughtRecorded,
)
from steersman.core.fold import apply, fold
from steersman.core.ids import (
    ActionId,
    CommandId,
    ConversationId,
    MessageId,
    OwnerId,
    TaskId,
    WorkerId,
)
from steersman.core.limits import Limits, Usage
from steersman.core.ports import Claim, Posting, Submission
from steersman.core.settling import settle
from steersman.core.state import OpenAction, TaskState
from steersman.core.view import task_view

TASK = TaskId("01890000-0000-7000-8000-000000000001")
ME = OwnerId("me")
WORKER = WorkerId("worker-1")
START = datetime(2026, 1, 1, tzinfo=UTC)


class TickingClock:
    """A clock that goes on by a millisecond whenever it is read, and by hand."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def forward(self, to: datetime) -> None:
        self._now = max(self._now, to)


def submitted(goal: str = "make it work", **limits: Any) -> TaskSubmitted:
    return TaskSubmitted(
        goal=goal,
        role="developer",
        conversation_id=ConversationId("01890000-0000-7000-8000-00000000000c"),
        root_id=TASK,
        owner_id=ME,
        workspace="shop",
        limits=Limits(**limits),
        team_version="1",
    )


def log(*events: Event, first: TaskSubmitted | None = None, epoch: int = 1) -> list[Envelope]:
    """Put events one second apart into a log, after `task_submitted`."""
    everything = ((first or submitted()), *events)
    return [
        Envelope(TASK, seq, START + timedelta(seconds=seq), epoch, event)
        for seq, event in enumerate(everything, start=1)
    ]


def state_after(*events: Event, first: TaskSubmitted | None = None) -> TaskState:
    """Return the state of a claimed task in which these events have happened."""
    return fold(log(claimed(), *events, first=first))


def after(state: TaskState, events: Iterable[Event], *, seconds: float = 0) -> TaskState:
    """Apply more events, which happen so many seconds later, in the same epoch."""
    at = state.updated_at + timedelta(seconds=seconds)
    for event in events:
        state = apply(state, Envelope(state.task_id, state.seq + 1, at, state.epoch, event))
    return state


def settled(state: TaskState) -> tuple[TaskState, tuple[Event, ...]]:
    """Apply what follows from a state by itself; return the state then, and all that followed."""
    followed: list[Event] = []
    while more := settle(state):
        followed += more
        state = after(state, more)
    return state, tuple(followed)


def claimed(attempt: int = 1) -> TaskClaimed:
    return TaskClaimed(worker_id=WORKER, attempt=attempt, reason="new")


def claim(**fields: Any) -> Claim:
    values: dict[str, Any] = {
        "task_id": TASK,
        "worker_id": WORKER,
        "epoch": 2,
        "version": 1,
        "inbox_seq": 0,
        "inbox_done": 0,
        "claims_since_progress": 0,
        "taken_over": False,
    }
    return Claim(**{**values, **fields})


def action(name: str, tool: str = "read_file", **arguments: Any) -> Action:
    return Action(action_id=ActionId(name), tool=tool, arguments=arguments)


def thought(
    *actions: Action, step: int = 1, text: str = "I look.", **fields: Any
) -> ThoughtRecorded:
    values: dict[str, Any] = {"model": "m", "usage": Usage(), "duration_ms": 5, **fields}
    return ThoughtRecorded(step=step, text=text, actions=actions, **values)


def began(name: str, effect: Effect = Effect.UNSAFE, tool: str = "run") -> ActionStarted:
    return ActionStarted(action_id=ActionId(name), tool=tool, effect=effect, key=name)


def succeeded(name: str, output: str = "fine", tool: str = "read_file") -> ActionSucceeded:
    return ActionSucceeded(
        action_id=ActionId(name), tool=tool, output=output, output_bytes=len(output.encode())
    )


def failed(name: str, error: str = "not_found", tool: str = "read_file") -> ActionFailed:
    return ActionFailed(
        action_id=ActionId(name), tool=tool, output="no", output_bytes=2, error=error
    )


def asked(name: str, question: str = "Which?") -> QuestionAsked:
    return QuestionAsked(action_id=ActionId(name), question=question)


def said(text: str = "hello") -> MessageAdded:
    return MessageAdded(message_id=MessageId("m"), text=text, author_id=ME)


def paused() -> TaskPaused:
    return TaskPaused(by=ME)


def resumed() -> TaskResumed:
    return TaskResumed(by=ME)


def call_failed(code: str, retry_at: datetime | None = None, **usage: Any) -> ModelCallFailed:
    return ModelCallFailed(
        step=1, code=code, message=f"it was {code}", usage=Usage(**usage), retry_at=retry_at
    )


def entry(command: Command, n: int = 1) -> InboxEntry:
    return InboxEntry(n, CommandId(f"command-{n}"), command, ME)


def message(text: str = "hello", n: int = 1) -> InboxEntry:
    return entry(AddMessage(text=text), n)


def stop(reason: str | None = None, n: int = 1) -> InboxEntry:
    return entry(StopTask(reason=reason), n)


def pause(n: int = 1) -> InboxEntry:
    return entry(PauseTask(), n)


def resume(n: int = 1) -> InboxEntry:
    return entry(ResumeTask(), n)


def open_action(one: Action, **fields: Any) -> OpenAction:
    return OpenAction(action=one, **fields)


def kinds(events: Iterable[Event]) -> list[str]:
    """Name events by their type, failures with their code: enough to compare a story by."""
    return [
        f"{event.type} {event.error}" if isinstance(event, ActionFailed) else event.type
        for event in events
    ]


def new_task(clock: TickingClock, **values: Any) -> Submission:
    """Make a task to be submitted to a store."""
    task_id = TaskId(new_id(clock))
    conversation = ConversationId(new_id(clock))
    event = submitted(**values).model_copy(
        update={"root_id": task_id, "conversation_id": conversation, "workspace": conversation}
    )
    first = Envelope(task_id, 1, clock.now(), 0, event)
    return Submission(
        first=first,
        view=task_view(fold([first])),
        command_id=CommandId(new_id(clock)),
        request_hash="",
        owner_id=ME,
        conversation_id=conversation,
        workspace=conversation,
        workspace_path=None,
        on_busy="enqueue",
    )


def posting(task_id: TaskId, command: Command, command_id: str | None = None) -> Posting:
    body = command.model_dump(mode="json")
    chosen = CommandId(command_id or new_id(TickingClock()))
    return Posting(task_id, ME, chosen, request_hash(body), command)

"""The state of a task: what decisions are taken on, of bounded size however long the log is."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from steersman.core import events as ev
from steersman.core.ids import ActionId, ApprovalId, ConversationId, OwnerId, TaskId
from steersman.core.limits import RecordedLimits, Spent, exceeded

ATTEMPTS_PER_MODEL = 3
"""How often one model is asked in a row before the next one of the list is."""

UNUSABLE_REPLIES = frozenset({"empty_reply", "garbage", "output_limit"})
"""Failures of the reply rather than of the call: asking again at once is worth a try."""


TEXTS_THAT_END = 2
"""A reply without a call is answered by a nudge; so many in a row are the result."""


class TaskPhase(StrEnum):
    """The `state` of docs/contract.md."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


class Blocker(StrEnum):
    """What a waiting task waits for, in the order in which it is shown."""

    PAUSE = "pause"
    APPROVAL = "approval"
    MESSAGE = "message"
    CHILD = "child"
    RETRY = "retry"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class OpenAction(_Value):
    """An action without an outcome. `started` once its intent is committed, under `key`.

    `approved_sha256`: only arguments with this hash may run.
    """

    action: ev.Action
    started: bool = False
    started_epoch: int = 0
    approved_sha256: str | None = None
    effect: ev.Effect | None = None
    key: str | None = None


class PendingApproval(_Value):
    """An action that waits for a person until `expires_at`."""

    approval_id: ApprovalId
    action_id: ActionId
    tool: str
    arguments_sha256: str
    reason: str
    expires_at: datetime


class Question(_Value):
    """What the agent wants to know of a person."""

    action_id: ActionId
    text: str


class Child(_Value):
    """A task that this one has delegated. `limits` are reserved until it has ended."""

    task_id: TaskId
    role: str
    goal: str
    limits: RecordedLimits
    state: str = "delegated"

    @property
    def is_live(self) -> bool:
        """Say whether its end has not been reported yet."""
        return self.state == "delegated"


class Wait(_Value):
    """The wait for children that `action_id` has begun."""

    action_id: ActionId
    child_ids: tuple[TaskId, ...]
    until: str


class Ending(_Value):
    """How the task ended."""

    phase: TaskPhase
    result: str | None = None
    code: str | None = None
    message: str | None = None


class Streak(_Value):
    """How often in a row the same thing happened."""

    what: str = ""
    count: int = 0

    def then(self, what: str) -> "Streak":
        """Count one more, or begin anew."""
        return Streak(what=what, count=self.count + 1 if what == self.what else 1)


class ModelTrouble(_Value):
    """Failed model calls since the last thought, and which model of the list is asked now."""

    index: int = 0
    attempts: int = 0
    given_up: int = 0
    last_code: str | None = None
    last_message: str | None = None
    unusable_in_a_row: int = 0
    context_halvings: int = 0

    def then(self, failed: ev.ModelCallFailed) -> "ModelTrouble":
        """Count a failure; a model that refuses us or failed often enough is given up."""
        give_up = failed.code == "rejected" or self.attempts + 1 >= ATTEMPTS_PER_MODEL
        too_long = failed.code == "context_exceeded"
        unusable = failed.code in UNUSABLE_REPLIES
        return ModelTrouble(
            index=self.index + give_up,
            attempts=0 if give_up else self.attempts + 1,
            given_up=self.given_up + give_up,
            last_code=failed.code,
            last_message=failed.message,
            unusable_in_a_row=self.unusable_in_a_row + 1 if unusable else 0,
            context_halvings=self.context_halvings + too_long,
        )

    def over(self) -> "ModelTrouble":
        """Forget the failures but stay with the model that answered."""
        return ModelTrouble(index=self.index, context_halvings=self.context_halvings)


class TaskState(_Value):
    """Everything that decisions about a task are taken on."""

    task_id: TaskId
    root_id: TaskId
    parent_id: TaskId | None
    conversation_id: ConversationId
    owner_id: OwnerId
    role: str
    goal: str
    workspace: str
    limits: RecordedLimits
    created_at: datetime
    updated_at: datetime
    seq: int = 1
    epoch: int = 0
    claims: int = 0
    step: int = 0
    open_actions: tuple[OpenAction, ...] = ()
    approvals: tuple[PendingApproval, ...] = ()
    question: Question | None = None
    plan: tuple[ev.PlanItem, ...] = ()
    children: tuple[Child, ...] = ()
    wait: Wait | None = None
    paused: bool = False
    retry_at: datetime | None = None
    stopping: ev.StopRequested | None = None
    ending: Ending | None = None
    spent: Spent = Spent()
    trouble: ModelTrouble = ModelTrouble()
    texts_without_call: int = 0
    last_text: str = ""
    step_failure: str | None = None
    step_succeeded: bool = False
    step_fingerprint: str = ""
    failures: Streak = Streak()
    repeats: Streak = Streak()

    @property
    def blockers(self) -> tuple[Blocker, ...]:
        """What stands in the way, in the order in which it is shown."""
        standing = {
            Blocker.PAUSE: self.paused,
            Blocker.APPROVAL: bool(self.approvals),
            Blocker.MESSAGE: self.question is not None,
            Blocker.CHILD: self._awaits_children,
            Blocker.RETRY: self.retry_at is not None,
        }
        return tuple(blocker for blocker in Blocker if standing[blocker])

    @property
    def live_children(self) -> tuple[Child, ...]:
        """The children whose end has not been reported."""
        return tuple(child for child in self.children if child.is_live)

    @property
    def reserved(self) -> Spent:
        """What living children may spend at most; what they have no limit for counts as nothing."""
        limits = [child.limits for child in self.live_children]
        return Spent(
            steps=sum(one.max_steps for one in limits),
            input_tokens=sum(one.max_tokens or 0 for one in limits),
            cost_usd=round(sum(one.max_cost_usd or 0.0 for one in limits), 9),
            seconds=sum(one.max_seconds for one in limits),
        )

    @property
    def _awaits_children(self) -> bool:
        if self.wait is not None:
            return True
        if not self.live_children:
            return False
        # No task ends before its children, nor begins anything with what they may still spend.
        is_ending = self.stopping is not None or self.texts_without_call >= TEXTS_THAT_END
        return is_ending or bool(exceeded(self.limits, self.spent.plus_child(self.reserved)))

    @property
    def begun(self) -> tuple[OpenAction, ...]:
        """The actions that the present holder has begun, or is about to."""
        return tuple(
            one for one in self.open_actions if one.started and one.started_epoch == self.epoch
        )

    @property
    def phase(self) -> TaskPhase:
        """The task's `state`."""
        if self.ending:
            return self.ending.phase
        if self.blockers:
            return TaskPhase.WAITING
        return TaskPhase.RUNNING if self.claims else TaskPhase.QUEUED

"""Why no worker takes a task: the first condition of a claim that does not hold, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from steersman.core.ids import TaskId, WorkerId
from steersman.core.state import Blocker

_PEOPLE = {
    Blocker.PAUSE: "it is paused: steersman resume",
    Blocker.APPROVAL: "it waits for an approval: steersman approvals",
    Blocker.MESSAGE: "it waits for an answer: steersman say",
}


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What a claim would look at, at one moment `now` of the store's clock.

    `players` are the live workers of the task's role, `readers` those of them that know its
    contract version, `neighbours` those of these on the host of its workspace.
    """

    task_id: TaskId
    state: str
    is_final: bool
    waiting_for: Sequence[str]
    role: str
    now: datetime
    due_at: datetime | None
    worker_id: WorkerId | None
    lease_until: datetime | None
    active_task: TaskId | None
    root_id: TaskId
    workspace_holder: TaskId | None
    host_id: str | None
    contract_version: int
    players: int
    readers: int
    neighbours: int


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """The answer: a stable code, and what it means here."""

    code: str
    reason: str


def why_unclaimed(facts: ClaimFacts) -> Unclaimed:
    """Name the first condition that fails, those of the task itself before those of others."""
    return _of_itself(facts) or _of_others(facts) or Unclaimed("claimable", "it may be claimed now")


def _of_itself(facts: ClaimFacts) -> Unclaimed | None:
    if facts.is_final:
        return Unclaimed("ended", f"it has ended: {facts.state}")
    if facts.worker_id and facts.lease_until and facts.lease_until > facts.now:
        until = f"{facts.lease_until:%H:%M:%S}"
        return Unclaimed(
            "held",
            f"worker {facts.worker_id} holds it, whose lease ends at {until} unless it beats",
        )
    if facts.due_at is not None and facts.due_at <= facts.now:
        return None
    asked = [text for blocker, text in _PEOPLE.items() if blocker.value in facts.waiting_for]
    if asked:
        return Unclaimed("waits_for_a_person", asked[0])
    if facts.due_at is None:
        return Unclaimed("not_due", "nothing is to be done until a command arrives")
    return Unclaimed("not_due", f"it is not due until {facts.due_at:%Y-%m-%d %H:%M:%S} UTC")


def _of_others(facts: ClaimFacts) -> Unclaimed | None:
    if facts.active_task != facts.root_id:
        turn = f"task {facts.active_task} of its conversation comes first"
        return Unclaimed("conversation_busy", turn)
    if facts.workspace_holder not in (None, facts.task_id):
        return Unclaimed("workspace_held", f"task {facts.workspace_holder} is in its workspace")
    if not facts.players:
        return Unclaimed("no_worker", f"no live worker plays the role {facts.role}")
    if not facts.readers:
        version = f"its contract version {facts.contract_version} is newer than that of each worker"
        return Unclaimed("contract_newer", version)
    if not facts.neighbours:
        return Unclaimed(
            "other_host", f"its workspace is on host {facts.host_id}, without a worker"
        )
    return None

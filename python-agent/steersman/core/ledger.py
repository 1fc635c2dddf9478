"""A claimed task's state in memory and the one way to change it: commit events, then tell.

The ledger folds the events that it commits into the state it holds, so it never reads the log
again. With the facts it is given it commits the answers to commands that have arrived and what
follows from all of them at once. When the task then waits or has ended, the same transaction
hands it back, and only if no further command has arrived: otherwise that one is answered first.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from steersman.core.approving import approval_rows, expired
from steersman.core.clock import new_id
from steersman.core.commands import InboxEntry
from steersman.core.decide import HandBack, answer, due_at, next_move
from steersman.core.drafts import Below, Draft, report_of
from steersman.core.errors import InboxMoved
from steersman.core.events import (
    ActionFailed,
    ActionSucceeded,
    ContextCompacted,
    Envelope,
    Event,
    FinalEvent,
    JsonObject,
    MessageAdded,
    ThoughtRecorded,
)
from steersman.core.fold import apply, fold
from steersman.core.ids import CommandId, TaskId, trace_id
from steersman.core.ports import Claim, Decision, StoredHistory
from steersman.core.runtime import Recording
from steersman.core.settling import settle
from steersman.core.state import TaskState
from steersman.core.tool import Decided
from steersman.core.view import task_view

_log = logging.getLogger(__name__)

DUE = "due"
"""The hint that some task may be claimed."""

_PROGRESS = (ThoughtRecorded, ActionSucceeded, ActionFailed, MessageAdded)
"""Events that a task which kills its worker at once again and again does not get to."""

Foresee = Callable[[TaskState], tuple[Event, ...]]
"""Events that are sure to come next and so save a commit when they are added to this one."""


def inbox_topic(task_id: str) -> str:
    """Name the hint that a command has arrived for a task."""
    return f"inbox:{task_id}"


def restore(history: StoredHistory) -> TaskState:
    """Fold what the store returned: from the last checkpoint, or from the start."""
    if history.checkpoint is None:
        return fold(history.envelopes)
    state = TaskState.model_validate(history.checkpoint)
    for envelope in history.envelopes:
        if envelope.seq > history.checkpoint_seq:
            state = apply(state, envelope)
    return state


class Ledger:
    """One task while this process owns it."""

    def __init__(
        self,
        claim: Claim,
        state: TaskState,
        recording: Recording,
        foresee: Foresee = lambda _: (),
    ) -> None:
        self._claim = claim
        self._recording = recording
        self._foresee = foresee
        self._inbox_seen = claim.inbox_seq
        self._inbox_done = claim.inbox_done
        self._unanswered: tuple[InboxEntry, ...] = ()
        self.state = state
        self.released = False

    @property
    def has_unanswered(self) -> bool:
        """Say whether the last look found commands that no commit has answered yet."""
        return bool(self._unanswered)

    async def look(self) -> tuple[InboxEntry, ...]:
        """Read the inbox; return the commands that the next commit will answer."""
        journal = self._recording.journal
        self._unanswered = await journal.inbox(self.state.task_id, self._inbox_done)
        self._inbox_seen = max(self._inbox_done, *(entry.n for entry in self._unanswered), 0)
        return self._unanswered

    async def record(
        self,
        facts: Sequence[Event],
        *,
        blobs: Mapping[str, bytes] | None = None,
        release: bool = False,
    ) -> tuple[Envelope, ...]:
        """Commit what has happened, whatever arrives meanwhile; return all that was committed.

        `release` hands the task back whatever its state. Raises LeaseLost and StoreUnavailable.
        """
        while True:
            draft = self._draft(facts)
            handing_back = release or isinstance(next_move(draft.state), HandBack)
            if not draft.envelopes and not handing_back:
                return ()
            try:
                guarded = handing_back or draft.denies()
                await self._commit(draft, blobs or {}, guarded=guarded, release=handing_back)
            except InboxMoved:
                await self.look()
            else:
                return draft.envelopes

    async def propose(self, decided: Decided) -> tuple[Envelope, ...]:
        """Commit a decision, or return () when a command arrived first: then decide again."""
        if self._unanswered:
            return ()
        below = Below(decided.children, decided.posts)
        draft = replace(self._draft(decided.events), below=below)
        release = isinstance(next_move(draft.state), HandBack)
        try:
            await self._commit(draft, {}, guarded=True, release=release)
        except InboxMoved:
            await self.look()
            return ()
        return draft.envelopes

    def _draft(self, facts: Sequence[Event]) -> Draft:
        end = tuple(fact for fact in facts if isinstance(fact, FinalEvent))
        draft = self._plus(Draft(self.state), facts[: len(facts) - len(end)])
        for entry in self._unanswered:
            draft = self._plus(draft, answer(draft.state, entry), entry.command_id)
        # Nothing follows the end, so commands are answered before it; a stop is an end of its own.
        if not draft.state.stopping:
            draft = self._plus(draft, end)
        while more := self._follows(draft.state):
            draft = self._plus(draft, more)
        return draft

    def _follows(self, state: TaskState) -> tuple[Event, ...]:
        # The store, by whose clock the claim was due, may be ahead of ours.
        now = self._recording.clock.now()
        now = max(now, self._claim.at or now)
        return settle(state) or expired(state, now) or self._foresee(state)

    def _plus(
        self, draft: Draft, events: Iterable[Event], command_id: CommandId | None = None
    ) -> Draft:
        state, envelopes = draft.state, list(draft.envelopes)
        for event in events:
            # A log's times never run backwards, whatever the machine's clock does.
            at = max(self._recording.clock.now(), state.updated_at)
            envelope = Envelope(
                task_id=state.task_id,
                seq=state.seq + 1,
                at=at,
                epoch=self._claim.epoch,
                event=event,
                command_id=command_id,
            )
            state = apply(state, envelope)
            envelopes.append(envelope)
        return Draft(state, tuple(envelopes))

    async def _commit(
        self, draft: Draft, blobs: Mapping[str, bytes], *, guarded: bool, release: bool
    ) -> None:
        decision = self._decision(draft, blobs)
        decision = replace(
            decision, seen_inbox=self._inbox_seen if guarded else None, release=release
        )
        self._recording.failpoints.reach("releasing" if release else "committing")
        with self._recording.telemetry.span("commit"):
            size_bytes = await self._recording.journal.commit(decision)
        self._recording.failpoints.reach("committed")
        self.state = draft.state
        self.released = release
        self._inbox_done, self._unanswered = decision.inbox_done, ()
        await self._tell(decision, {**decision.view, "size_bytes": size_bytes})
        self._recording.failpoints.reach("told")

    def _decision(self, draft: Draft, blobs: Mapping[str, bytes]) -> Decision:
        state = draft.state
        compacted = any(isinstance(e.event, ContextCompacted) for e in draft.envelopes)
        answered = self._unanswered[-1].n if self._unanswered else self._inbox_done
        return Decision(
            claim=self._claim,
            version=self.state.seq,
            commit_id=new_id(self._recording.clock),
            envelopes=draft.envelopes,
            state=state.phase.value,
            waiting_for=tuple(blocker.value for blocker in state.blockers),
            due_at=due_at(state),
            final=state.ending is not None,
            view=task_view(state),
            spent=state.spent.model_dump(mode="json"),
            inbox_done=answered,
            artifacts=blobs,
            approvals=approval_rows(self.state, draft.envelopes),
            progress=any(isinstance(e.event, _PROGRESS) for e in draft.envelopes),
            checkpoint=state.model_dump(mode="json") if compacted else None,
            children=draft.below.children,
            posts=(*draft.below.posts, *draft.stops(new_id(self._recording.clock))),
            report=report_of(state),
        )

    async def _tell(self, decision: Decision, view: JsonObject) -> None:
        """Bring the copy up to date and wake the watchers; after the commit, never before."""
        task_id = self.state.task_id
        for envelope in decision.envelopes:
            _log.info("event_committed", extra=_fields(self.state, envelope))
        await self._recording.cache.put(task_id, self._claim.epoch, self.state.seq, view)
        await self._recording.hints.publish(task_id)
        below = {post.child_id for post in decision.posts}
        above = {decision.report.parent_id} if decision.report else set[TaskId]()
        for task_id in below | above:
            await self._recording.hints.publish(inbox_topic(task_id))
        if decision.release or decision.children or below or above:
            await self._recording.hints.publish(DUE)


def _fields(state: TaskState, envelope: Envelope) -> Mapping[str, object]:
    return {
        "action": envelope.event.type,
        "task_id": state.task_id,
        "step": state.step,
        "role": state.role,
        "trace_id": trace_id(state.root_id),
        "seq": envelope.seq,
    }

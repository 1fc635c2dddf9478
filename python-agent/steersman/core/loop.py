"""One claimed task, from the claim to the release: Think → Act, one committed step at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from steersman.core import act
from steersman.core.asking import with_approvals
from steersman.core.budget import over_budget
from steersman.core.clock import new_id
from steersman.core.context import PromptBuilder
from steersman.core.decide import (
    Act,
    HandBack,
    Think,
    begin,
    begun_by_another,
    last_attempt,
    next_move,
    poisoned,
    unbegun,
)
from steersman.core.errors import WorkspaceLost, WorkspaceTaken
from steersman.core.events import (
    ActionFailed,
    Effect,
    Envelope,
    Event,
)
from steersman.core.ids import TaskId
from steersman.core.interruption import Interruption, Shutdown
from steersman.core.ledger import Ledger, restore
from steersman.core.outcomes import failed_action, rest_of_thought
from steersman.core.ports import Claim, StoredHistory, WorkspaceRef
from steersman.core.runtime import KeptArtifacts, OpenWorkspace, OwnChildren, Runtime
from steersman.core.settling import give_up
from steersman.core.state import TaskState
from steersman.core.think import cut_by_shutdown, think
from steersman.core.tool import DecideContext, ToolContext, ToolFailure, TransactionalTool


class TaskRun:
    """A task while this process works on it. `goal` is empty until the log has been read.

    `work` returns when the task is handed back, and raises LeaseLost or StoreUnavailable when it
    cannot go on. Cancelling ends it at once: nothing more is committed, running tools are killed.
    """

    def __init__(self, claim: Claim, runtime: Runtime, shutdown: Shutdown) -> None:
        self._claim = claim
        self._runtime = runtime
        self._shutdown = shutdown
        self._blobs: dict[str, bytes] = {}
        self._workspace: OpenWorkspace | None = None
        self.task_id = claim.task_id
        self.goal = ""

    async def work(self) -> None:
        """Go on with the task until it waits, ends, or this process shuts down."""
        self._reach("claimed")
        history = await self._runtime.recording.journal.history(self._claim.task_id)
        self._ledger = self._open_ledger(history)
        self.goal = self._ledger.state.goal
        self._prompts = await PromptBuilder.open(self._runtime, self._ledger.state)
        await self._extend(history.envelopes)
        hints = self._runtime.recording.hints
        with Interruption(self._ledger, hints, self._shutdown) as self._interruption:
            try:
                await self._begin()
                while not self._ledger.released:
                    await self._step()
            except WorkspaceLost as lost:
                if not last_attempt(self._claim):
                    raise
                await self._record((give_up("workspace_lost", str(lost)),))

    def _open_ledger(self, history: StoredHistory) -> Ledger:
        recording = self._runtime.recording
        return Ledger(self._claim, restore(history), recording, foresee=self._foresee)

    def _foresee(self, state: TaskState) -> tuple[Event, ...]:
        return () if self._shutdown.asked.is_set() else act.intent(state, self._runtime.tools)

    async def _begin(self) -> None:
        await self._ledger.look()
        adopted = await self._adopted()
        facts = begin(self._ledger.state, self._claim, adopted.events)
        if poisoned(self._claim):
            message = (
                "Five attempts in a row came to nothing: each time its worker died, or met an "
                "error of its own that stands in its log."
            )
            facts = (*facts, give_up("poisoned", message))
        await self._record(facts, adopted.blobs)

    async def _adopted(self) -> act.Outcomes:
        """Find out what the last worker's actions came to, where something is on record."""
        events: list[Event] = []
        blobs: dict[str, bytes] = {}
        for one in begun_by_another(self._ledger.state):
            ready = act.make_ready(one, self._runtime.tools, self._blobs)
            if isinstance(ready, act.Ready):
                found = await act.adopt(ready, await self._context(ready))
                events += found.events if found else ()
                blobs |= found.blobs if found else {}
        return act.Outcomes(tuple(events), blobs)

    async def _step(self) -> None:
        if await self._interruption.commands_wait():
            await self._record(())
        elif self._shutdown.asked.is_set():
            await self._record(unbegun(self._ledger.state), release=True)
        else:
            await self._move()

    async def _move(self) -> None:
        match next_move(self._ledger.state):
            case Think():
                await self._think()
            case Act() as move:
                await self._act(move)
            case HandBack():
                await self._record((), release=True)

    async def _think(self) -> None:
        if compacted := self._prompts.compaction(self._ledger.state):
            await self._record((compacted,))
            return  # the time that this took may have ended the task
        state, cut = self._ledger.state, asyncio.Event()
        with self._runtime.recording.telemetry.span("prompt"):
            prompt = self._prompts.build(state)
        if over_budget(state, prompt.estimated_tokens):
            message = "The next model call would need more tokens than are left."
            await self._record((give_up("max_tokens", message),))
            return
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._interruption.cut(cut, self._remaining()))
            with self._runtime.recording.telemetry.span("model"):
                thought = await think(self._runtime, state, prompt, cut)
            watching.cancel()
        thought = await with_approvals(self._runtime, state, thought)
        self._reach("thought")
        if self._shutdown.asked.is_set():
            thought = cut_by_shutdown(thought)
        await self._record(thought.events, thought.blobs)

    async def _act(self, move: Act) -> None:
        ready: list[act.Ready] = []
        for one in move.actions:
            found = act.make_ready(one, self._runtime.tools, self._blobs)
            if isinstance(found, ActionFailed):
                if not ready:
                    await self._record((found,))
                    return
                break
            ready.append(found)
        first = ready[0]
        if isinstance(first.tool, TransactionalTool):
            await self._decide(first.tool, first)
        elif first.tool.effect is not Effect.PURE and not first.one.started:
            await self._record((await act.prepare(first, await self._context(first)),))
        else:
            await self._run(act.together(tuple(ready)))

    async def _decide(self, tool: TransactionalTool, ready: act.Ready) -> None:
        context = DecideContext(
            state=self._ledger.state,
            team=self._runtime.team,
            new_id=TaskId(new_id(self._runtime.recording.clock)),
            now=self._runtime.recording.clock.now(),
        )
        try:
            decided = tool.decide(ready.arguments, ready.one.action, context)
        except ToolFailure as failure:
            await self._record((failed_action(ready.one, failure.code, str(failure)),))
            return
        await self._extend(await self._ledger.propose(decided))

    async def _run(self, batch: tuple[act.Ready, ...]) -> None:
        contexts = [await self._context(ready) for ready in batch]
        self._reach("intended")
        async with asyncio.TaskGroup() as group:
            with self._runtime.recording.telemetry.span("tool"):
                running = group.create_task(act.run_all(batch, tuple(contexts)))
                over = group.create_task(self._interruption.end_of_tools(self._remaining()))
                await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
            finished = running.done()
            running.cancel()
            over.cancel()
        self._reach("acted")
        if finished:
            outcomes = running.result()
            rest = rest_of_thought(self._ledger.state, outcomes.events)
            await self._record((*outcomes.events, *rest), outcomes.blobs)
        else:
            # Whatever ended them, these must not run again: their outcome goes first.
            await self._record(act.cut_off(batch, by_shutdown=self._shutdown.over.is_set()))

    async def _record(
        self,
        facts: Sequence[Event],
        blobs: Mapping[str, bytes] | None = None,
        *,
        release: bool = False,
    ) -> None:
        self._blobs |= blobs or {}
        await self._extend(await self._ledger.record(facts, blobs=blobs, release=release))
        if not self._ledger.state.open_actions:
            self._blobs.clear()

    async def _extend(self, envelopes: Sequence[Envelope]) -> None:
        await self._prompts.extend(envelopes, self._blobs)

    async def _context(self, ready: act.Ready) -> ToolContext:
        if self._workspace is None:
            journal = self._runtime.recording.journal
            ref = self._claim.workspace or await journal.acquire_workspace(self._claim)
            if ref is None:
                raise WorkspaceTaken
            self._workspace = await self._open(ref)
        return ToolContext(
            task_id=self._claim.task_id,
            action_id=ready.one.action.action_id,
            files=self._workspace.files,
            commands=self._workspace.commands,
            artifacts=KeptArtifacts(self._runtime.recording.journal, self.task_id),
            children=OwnChildren(self._runtime.recording.journal, self.task_id),
            remaining=self._remaining(),
        )

    async def _open(self, ref: WorkspaceRef) -> OpenWorkspace:
        try:
            return await self._runtime.workspaces.open(self._claim.task_id, ref)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorkspaceLost(f"The workspace cannot be opened: {reason}.") from error

    def _reach(self, failpoint: str) -> None:
        self._runtime.recording.failpoints.reach(failpoint)

    def _remaining(self) -> timedelta:
        state = self._ledger.state
        now = self._runtime.recording.clock.now()
        held = state.spent.seconds + max((now - state.updated_at).total_seconds(), 0)
        return timedelta(seconds=max(state.limits.max_seconds - held, 0.0))

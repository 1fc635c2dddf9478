"""A task's whole life in memory: replies, outcomes, commands and crashes as a list says."""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.answering import answer_for_nobody
from steersman.core.approvals import Ruling
from steersman.core.commands import (
    AddMessage,
    Command,
    PauseTask,
    ResumeTask,
    StopTask,
)
from steersman.core.context import PromptBuilder
from steersman.core.errors import ApprovalDecided, TaskEnded
from steersman.core.events import Envelope
from steersman.core.fold import apply, fold
from steersman.core.ids import WorkerId
from steersman.core.interruption import Shutdown
from steersman.core.ledger import inbox_topic, restore
from steersman.core.loop import TaskRun
from steersman.core.model import CallFailed, ModelRequest, Reply
from steersman.core.ports import NOW, Claim, Decision
from steersman.core.state import TaskState
from steersman.core.tool import ToolContext, ToolFailure
from steersman.core.view import task_view
from tests.agent.core.approving import RULES, decision_on
from tests.agent.core.making import TickingClock, new_task, posting
from tests.agent.core.playing import (
    CONTEXT_TOKENS,
    PROMPTS,
    PlayedModel,
    Stage,
    UntilCut,
    forever,
    prompts_of,
    tools,
)

ROLES = ("developer",)
PATIENCE = 80
_WISHES: Mapping[str, Command] = {
    "pause": PauseTask(),
    "resume": ResumeTask(),
    "stop": StopTask(reason="enough"),
}
_PROMPTS = prompts_of(PROMPTS)


@dataclass(frozen=True)
class Scenario:
    """What happens, each list in its order; when one is at its end, nothing more goes wrong.

    `replies`: a reply, a failure, or what cuts the call. `tools`: how each run of a tool ends.
    `commits`: what happens at each commit. `idle`: what happens before each claim.
    """

    replies: list[Reply | CallFailed | str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    limits: Mapping[str, float] = field(default_factory=dict)


class Life:
    """One task from its submission to its end."""

    def __init__(self, scenario: Scenario) -> None:
        self.clock = TickingClock()
        self.log = InMemoryTaskLog(self.clock)
        self.ran: Counter[str] = Counter()
        self.commits = 0
        self._tools = deque(scenario.tools)
        self._fates = deque(scenario.commits)
        self._idle = deque(scenario.idle)
        self._limits = scenario.limits
        self._shutdown = Shutdown()
        self._running: asyncio.Task[None] | None = None
        replies = [self._reply(one) for one in scenario.replies]
        looking = tools(look=self._look, run=self._run, write=self._look)
        self.model = PlayedModel(*replies, check=self._compare)
        self.stage = Stage(self.model, looking, self.clock, prompts=_PROMPTS, approval_rules=RULES)
        self.folded: TaskState

    async def play(self) -> list[Envelope]:
        """Let workers come and go until the task has ended; return its log."""
        submission = new_task(self.clock, **self._limits)
        self.task_id = submission.first.task_id
        await self.log.submit(submission)
        self.folded = fold([submission.first])
        for number in range(PATIENCE):
            if self.folded.ending:
                return list(await self.log.events(self.task_id, 0, 10_000))
            worker_id = WorkerId(f"worker-{number}")
            await self._idle_before_claim(WorkerId(f"api-{number}"))
            if not self.folded.ending:
                await self._work(worker_id)
        raise AssertionError("the task does not end")

    async def _work(self, worker_id: WorkerId) -> None:
        journal = WatchedJournal(self, InMemoryJournal(self.log, worker_id))
        self.log.live = {worker_id}
        claim = await journal.inner.claim(ROLES)
        assert claim is not None
        assert restore(await journal.inner.history(self.task_id)) == self.folded
        self._shutdown = Shutdown()
        run = TaskRun(claim, self.stage.runtime(journal, worker_id), self._shutdown)
        await self._until_crash(run.work())

    async def _until_crash(self, work: Coroutine[None, None, None]) -> None:
        self.is_crashed = False
        self._running = asyncio.create_task(work)
        await asyncio.wait([self._running], timeout=10)
        if not self._running.cancelled():
            self._running.result()

    async def _idle_before_claim(self, worker_id: WorkerId) -> None:
        """Let time pass until the task is due, and let people say something meanwhile."""
        what = self._idle.popleft() if self._idle else "ok"
        await self.happen(what)
        if what != "ok":
            await self._until_crash(self._answer_for_nobody(worker_id))
        if self.folded.ending:
            return
        if (due_at := self.log.due_at(self.task_id)) is None:
            await self.happen("resume" if self.folded.paused else "message")
        else:
            self.clock.forward(due_at)

    async def _answer_for_nobody(self, worker_id: WorkerId) -> None:
        journal = WatchedJournal(self, InMemoryJournal(self.log, worker_id))
        self.log.live = {worker_id}
        await answer_for_nobody(self.task_id, self.stage.recording(journal))

    async def happen(self, what: str) -> None:
        """Let a person steer, pause, resume or stop the task, or this process end."""
        match what:
            case "message":
                await self._post(AddMessage(text=f"Number {self.clock.now()}."))
            case "pause" | "resume" | "stop":
                await self._post(_WISHES[what])
            case "approve" | "reject" | "edit" if self.folded.approvals:
                await self._post(*decision_on(self.folded.approvals[-1], what))
            case "shutdown":
                self._shutdown.asked.set()
            case "over":
                self._shutdown.asked.set()
                self._shutdown.over.set()
            case "crash":
                assert self._running is not None
                self.is_crashed = True
                self._running.cancel()
                await forever()
            case _:
                pass

    def reader(self) -> InMemoryJournal:
        """Return a journal of somebody who only reads."""
        return InMemoryJournal(self.log, WorkerId("reader"))

    async def next_fate(self) -> str:
        """Say what happens at this commit."""
        self.commits += 1
        return self._fates.popleft() if self._fates else "ok"

    async def _post(self, command: Command, ruling: Ruling | None = None) -> None:
        try:
            await self.log.post(replace(posting(self.task_id, command), ruling=ruling))
        except (TaskEnded, ApprovalDecided):
            return
        await self.stage.hints.publish(inbox_topic(self.task_id))

    def _reply(self, one: Reply | CallFailed | str) -> Reply | CallFailed | UntilCut:
        return UntilCut("I was about to", lambda: self.happen(one)) if isinstance(one, str) else one

    async def _look(self, context: ToolContext) -> str:
        what = self._tools.popleft() if self._tools else "ok"
        await self.happen(what.removesuffix("_endless"))
        match what:
            case "stop" | "over" | "message_endless":
                await forever()
            case "fail":
                raise ToolFailure("not_found", "There is none.")
            case "bug":
                raise ZeroDivisionError
            case "long":
                return f"{self.clock.now()} " * 2_000
            case "same":
                return "the same"
            case _:
                pass
        return f"It is {self.clock.now()}."

    async def _run(self, context: ToolContext) -> str:
        self.ran[context.action_id] += 1
        return await self._look(context)

    async def _compare(self, request: ModelRequest) -> None:
        """Hold a prompt against the one of a process that knows nothing but the log."""
        runtime = self.stage.runtime(self.reader())
        builder = PromptBuilder(runtime, self.folded, context_tokens=CONTEXT_TOKENS)
        await builder.extend(await self.log.events(self.task_id, 0, 10_000), {})
        prompt = builder.build(self.folded)
        assert request.messages == prompt.messages
        assert prompt.estimated_tokens + prompt.max_output_tokens <= CONTEXT_TOKENS


class WatchedJournal:
    """The port Journal that checks each commit and lets things happen around it."""

    def __init__(self, life: Life, inner: InMemoryJournal) -> None:
        self._life = life
        self.inner = inner
        self.history = inner.history
        self.inbox = inner.inbox
        self.artifact = inner.artifact
        self.remembered = inner.remembered
        self.child = inner.child
        self.acquire_workspace = inner.acquire_workspace
        self.earlier = inner.earlier
        self.claim = inner.claim
        self.claim_for_command = inner.claim_for_command
        self.disown = inner.disown

    async def release(
        self, claim: Claim, *, after: timedelta = NOW, failed: bool = False, fence: int = 0
    ) -> None:
        """Hand back, unless this process has crashed."""
        if not self._life.is_crashed:
            await self.inner.release(claim, after=after, failed=failed, fence=fence)

    async def commit(self, decision: Decision) -> int:
        """Write the decision, and hold what was written against what was decided."""
        life, fate = self._life, await self._life.next_fate()
        await life.happen(fate.removesuffix("_before"))
        before = life.folded.seq
        size = await self.inner.commit(decision)
        for envelope in await life.log.events(life.task_id, before, 10_000):
            life.folded = apply(life.folded, envelope)
        assert decision.view == task_view(life.folded)
        assert decision.state == life.folded.phase
        assert decision.final == (life.folded.ending is not None)
        if fate == "crash_after":
            await life.happen("crash")
        return size

"""A loop to play with: real prompts, a model that plays replies, tools that do as they are told."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from steersman.adapters.in_memory import InMemoryDeltaFeed, InMemoryHints, InMemoryViewCache
from steersman.adapters.litellm.native import native_prompt
from steersman.adapters.prompts import JinjaPrompts
from steersman.core.approvals import RiskRule
from steersman.core.clock import Clock, SystemClock
from steersman.core.events import Effect
from steersman.core.ids import TaskId, WorkerId
from steersman.core.limits import Usage
from steersman.core.model import (
    CallFailed,
    Cut,
    ModelCall,
    ModelRequest,
    PromptMessage,
    Reply,
    TextDelta,
)
from steersman.core.ports import Journal, WorkspaceRef
from steersman.core.roles import Role, Team
from steersman.core.runtime import LoopPolicy, NoTelemetry, OpenWorkspace, Recording, Runtime
from steersman.core.tool import (
    Arguments,
    IdempotentTool,
    RunningTool,
    Tool,
    ToolContext,
    ToolOutput,
    WorkspaceFiles,
)
from steersman.tools.ask_user import TOOL as ASK_USER
from steersman.tools.finish_task import TOOL as FINISH_TASK
from tests.agent.support import anthropic_strict, openai_strict

PROMPTS = Path(__file__).parents[3] / "prompts"
CONTEXT_TOKENS = 16_384
MAX_OUTPUT_TOKENS = 1_024
USAGE = Usage(input_tokens=100, output_tokens=10, cost_usd=0.001)


def say(text: str, *calls: ModelCall) -> Reply:
    return Reply(text, "model-1", USAGE, calls)


def call(tool: str, **arguments: Any) -> ModelCall:
    return ModelCall(tool, json.dumps(arguments))


def finish(result: str = "Done.") -> Reply:
    return say("I am done.", call("finish_task", result=result))


@dataclass(frozen=True)
class UntilCut:
    """A reply that never ends by itself. `meanwhile` runs once its text has streamed."""

    text: str
    meanwhile: Callable[[], Awaitable[None]]


class PlayedModel:
    """A Model that plays replies in their order, then finishes; refuses what providers refuse."""

    def __init__(
        self,
        *replies: Reply | CallFailed | UntilCut,
        check: Callable[[ModelRequest], Awaitable[None]] | None = None,
    ) -> None:
        self.replies = deque(replies)
        self._check = check
        self.requests: list[ModelRequest] = []

    async def stream(
        self, request: ModelRequest, cut: Cut
    ) -> AsyncGenerator[TextDelta | Reply | CallFailed, None]:
        self.requests.append(request)
        assert refusal(request.messages) is None
        if self._check:
            await self._check(request)
        reply = self.replies.popleft() if self.replies else finish()
        if isinstance(reply, CallFailed):
            yield reply
            return
        yield TextDelta(reply.text)
        if isinstance(reply, UntilCut):
            await reply.meanwhile()
            await cut.wait()
            reply = Reply(reply.text, "model-1", USAGE, cut=True)
        yield reply


def refusal(messages: Iterable[PromptMessage]) -> str | None:
    """Say what strict providers have against a prompt, if anything."""
    written = native_prompt(tuple(messages), ()).messages
    openai = openai_strict.complaint({"model": "m", "messages": written, "stream": True})
    return openai or anthropic_strict.complaint(written)


class Named(Arguments):
    """`name` tells calls apart."""

    name: str = ""


class ReadArguments(Arguments):
    """What the reading tool reads."""

    path: str = ""
    start_line: int = 1


Run = Callable[[ToolContext], Awaitable[str]]


async def fine(context: ToolContext) -> str:
    return "fine"


def tools(*, look: Run = fine, run: Run = fine, write: Run = fine) -> dict[str, Tool]:
    """Make one tool of each effect; `read_file` reads whatever `look` says."""

    async def pure(arguments: Any, context: ToolContext) -> ToolOutput:
        return ToolOutput(await look(context))

    async def unsafe(arguments: Any, context: ToolContext) -> ToolOutput:
        return ToolOutput(await run(context), exit_code=0)

    async def plan(arguments: Any, context: ToolContext) -> str:
        return "old:new"

    async def idempotent(arguments: Any, context: ToolContext, key: str) -> ToolOutput:
        assert key == "old:new"
        return ToolOutput(await write(context))

    made: list[Tool] = [
        RunningTool("look", "Look.", Named, Effect.PURE, pure),
        RunningTool("read_file", "Read.", ReadArguments, Effect.PURE, pure),
        RunningTool("run", "Run.", Named, Effect.UNSAFE, unsafe),
        IdempotentTool("write", "Write.", Named, plan, idempotent),
        ASK_USER,
        FINISH_TASK,
    ]
    return {tool.name: tool for tool in made}


class AnyWorkspace:
    """The port Workspaces for tools that touch no files. Remembers what was opened."""

    def __init__(self) -> None:
        self.opened: list[WorkspaceRef] = []

    async def open(self, task_id: TaskId, ref: WorkspaceRef) -> OpenWorkspace:
        self.opened.append(ref)
        return OpenWorkspace(cast(WorkspaceFiles, None), None)


async def _context_tokens(model: str) -> int:
    return CONTEXT_TOKENS


@cache
def prompts_of(folder: Path) -> JinjaPrompts:
    """Return the prompts of a folder; to compile them for each test takes most of its time."""
    return JinjaPrompts(folder)


@dataclass
class Stage:
    """Everything around the loop but its journal. Hints and deltas are shared by all runs."""

    model: PlayedModel
    tools: dict[str, Tool] = field(default_factory=tools)
    clock: Clock = field(default_factory=SystemClock)
    hints: InMemoryHints = field(default_factory=InMemoryHints)
    deltas: InMemoryDeltaFeed = field(default_factory=InMemoryDeltaFeed)
    workspaces: AnyWorkspace = field(default_factory=AnyWorkspace)
    prompts: JinjaPrompts = field(default_factory=lambda: prompts_of(PROMPTS))
    models: tuple[str, ...] = ("model-1",)
    approval_rules: tuple[RiskRule, ...] = ()
    approval_ttl: timedelta = timedelta(minutes=30)
    cache: InMemoryViewCache = field(default_factory=InMemoryViewCache)

    @property
    def team(self) -> Team:
        """Return the one developer."""
        role = Role(
            description="You do it.",
            template="roles/developer.md.j2",
            tools=tuple(self.tools),
            approval_rules=self.approval_rules,
        )
        return Team({"developer": role}, "1")

    def runtime(self, journal: Journal, worker_id: str = "worker-1") -> Runtime:
        """Put a worker's runtime together."""
        return Runtime(
            recording=self.recording(journal),
            model=self.model,
            prompts=self.prompts,
            team=self.team,
            tools=self.tools,
            workspaces=self.workspaces,
            deltas=self.deltas,
            worker_id=WorkerId(worker_id),
            policy=LoopPolicy(
                self.models, _context_tokens, MAX_OUTPUT_TOKENS, approval_ttl=self.approval_ttl
            ),
        )

    def recording(self, journal: Journal) -> Recording:
        """Put together what commits."""
        return Recording(journal, self.cache, self.hints, self.clock, NoTelemetry())


async def forever() -> None:
    """Wait until somebody cancels."""
    await asyncio.Event().wait()

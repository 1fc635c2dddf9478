"""Think: ask the model for the next action, let people see the text as it comes.

A command that arrives meanwhile cuts the call; what had streamed and was spent is kept.
"""

import asyncio
import random
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from steersman.core.artifacts import THOUGHT_LIMIT_BYTES, keep_text
from steersman.core.clock import new_id
from steersman.core.context import Prompt
from steersman.core.deltas import Delta
from steersman.core.events import Event, ModelCallFailed, ThoughtRecorded
from steersman.core.ids import ActionId
from steersman.core.model import CallFailed, ModelRequest, Reply, TextDelta
from steersman.core.replies import MAX_CALLS_RECORDED, read_calls
from steersman.core.retries import model_failure, retry_at
from steersman.core.runtime import Runtime, model_list
from steersman.core.state import TaskState
from steersman.core.text import clean, head_and_tail

_MESSAGE_LIMIT_BYTES = 2_000
"""Of a provider's error message; it stays in the state while the trouble lasts."""


@dataclass(frozen=True, slots=True)
class Thought:
    """The facts of one model call, to be committed, and the blobs that go with them."""

    events: tuple[Event, ...]
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


async def think(
    runtime: Runtime,
    state: TaskState,
    prompt: Prompt,
    cut: asyncio.Event,
) -> Thought:
    """Make one model call and say what became of it."""
    role = runtime.team.roles[state.role]
    models = model_list(runtime.policy, role)
    request = ModelRequest(
        model=models[state.trouble.index % len(models)],
        messages=prompt.messages,
        tools=prompt.tools,
        max_output_tokens=prompt.max_output_tokens,
    )
    started = asyncio.get_running_loop().time()
    end = await _stream(runtime, state, request, cut)
    elapsed = int((asyncio.get_running_loop().time() - started) * 1000)
    if isinstance(end, Reply) and (end.cut or end.text.strip() or end.calls):
        return _thought(runtime, state, end, elapsed)
    return Thought(_failure(runtime, state, _unusable(end), len(models)))


async def _stream(
    runtime: Runtime, state: TaskState, request: ModelRequest, cut: asyncio.Event
) -> Reply | CallFailed:
    deltas = DeltaBatch(runtime, state)
    try:
        async with aclosing(runtime.model.stream(request, cut)) as stream:
            async for item in stream:
                if not isinstance(item, TextDelta):
                    return item
                deltas.add(item.text)
    finally:
        deltas.end()
    raise RuntimeError("the model port ended without a reply")


def _thought(runtime: Runtime, state: TaskState, reply: Reply, elapsed: int) -> Thought:
    role = runtime.team.roles[state.role]
    tools = {name: runtime.tools[name] for name in role.tools}
    clock = runtime.recording.clock
    calls = () if reply.cut else reply.calls
    ids = tuple(ActionId(new_id(clock)) for _ in calls[:MAX_CALLS_RECORDED])
    read = read_calls(calls, tools, ids)
    said = keep_text(clean(reply.text), THOUGHT_LIMIT_BYTES)
    recorded = ThoughtRecorded(
        step=state.step + 1,
        text=said.text,
        actions=read.actions,
        model=reply.model,
        usage=reply.usage,
        duration_ms=elapsed,
        interrupted=reply.cut,
    )
    return Thought((recorded, *read.failures), {**read.blobs, **said.blobs})


def cut_by_shutdown(thought: Thought) -> Thought:
    """Keep what a call cost that our own shutdown cut, but nothing of what it said."""
    match thought.events:
        case (ThoughtRecorded(interrupted=True) as said,):
            message = "The process was asked to end during this call."
            failed = ModelCallFailed(
                step=said.step, code="shutdown", message=message, usage=said.usage
            )
            return Thought((failed,), {})
        case _:
            return thought


def _unusable(end: Reply | CallFailed) -> CallFailed:
    if isinstance(end, CallFailed):
        return end
    return CallFailed("empty_reply", "The model replied with neither text nor a call.", end.usage)


def _failure(
    runtime: Runtime, state: TaskState, call: CallFailed, models: int
) -> tuple[Event, ...]:
    message = head_and_tail(clean(call.message), _MESSAGE_LIMIT_BYTES)
    failed = ModelCallFailed(step=state.step + 1, code=call.code, message=message, usage=call.usage)
    at = retry_at(
        state,
        failed,
        now=runtime.recording.clock.now(),
        jitter=random.random(),
        wish_seconds=call.retry_after_seconds,
    )
    return model_failure(state, failed.model_copy(update={"retry_at": at}), models=models)


class DeltaBatch:
    """Collect pieces of text and publish them at most every 30 ms, or at 4 KB."""

    def __init__(self, runtime: Runtime, state: TaskState) -> None:
        self._runtime = runtime
        self._state = state
        self._offset = 0
        self._pieces: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Take one piece."""
        self._pieces.append(text)
        self._size += len(text)
        policy = self._runtime.policy
        if self._size >= policy.delta_bytes:
            self.flush()
        elif self._timer is None:
            later = policy.delta_interval.total_seconds()
            self._timer = asyncio.get_running_loop().call_later(later, self.flush)

    def end(self) -> None:
        """Publish the rest; what comes next is another thought."""
        self.flush()
        self._runtime.deltas.end(self._state.task_id)

    def flush(self) -> None:
        """Publish what has come so far."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pieces:
            return
        text, self._pieces, self._size = "".join(self._pieces), [], 0
        self._runtime.deltas.publish(
            Delta(
                task_id=self._state.task_id,
                epoch=self._state.epoch,
                step=self._state.step + 1,
                offset=self._offset,
                text=text,
            )
        )
        self._offset += len(text.encode("utf-16-le", "surrogatepass")) // 2

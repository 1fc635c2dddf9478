"""The prompt of a step: bounded by the model's window whatever the length of the task.

From the front: the role's instructions, what came before in the conversation, the goal, the
summary of what was compacted, the turns since, and last the words for this step. Everything but
the last is the same from step to step. When the turns outgrow their share, the oldest are replaced
by a summary (`context_compacted`), down to half of that share, so that this happens once in many
steps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from steersman.core.artifacts import internalize, references
from steersman.core.budget import left
from steersman.core.compaction import compaction
from steersman.core.conversation import Earlier, earlier_values
from steersman.core.events import (
    ApprovalDecided,
    ContextCompacted,
    Envelope,
    JsonObject,
    ThoughtRecorded,
)
from steersman.core.ids import TaskId
from steersman.core.model import PromptMessage, SystemMessage, ToolSpecification, UserMessage
from steersman.core.roles import prompt_values
from steersman.core.runtime import Runtime, model_list
from steersman.core.state import TaskState
from steersman.core.text import head_and_tail
from steersman.core.transcript import BYTES_PER_TOKEN, Transcript

_LEAST_TOKENS = 2_048
_MAX_SUMMARY_BYTES = 24_000
_NEXT_ACTION = "parts/next_action.md.j2"
_EARLIER = "parts/earlier.md.j2"


@dataclass(frozen=True, slots=True)
class Window:
    """How the model's context is shared out, in bytes but for `max_output_tokens`.

    An eighth each may go to the goal, to the conversation before it and to one text; the turns
    get what the rest leaves.
    """

    max_output_tokens: int
    turns_bytes: int
    text_bytes: int
    summary_bytes: int

    @classmethod
    def of(cls, context_tokens: int, max_output_tokens: int) -> "Window":
        """Share out a context of so many tokens, of which a quarter at most is for the reply."""
        output = min(max_output_tokens, context_tokens // 4)
        room = int((context_tokens - output) * BYTES_PER_TOKEN)
        return cls(
            max_output_tokens=output,
            turns_bytes=room * 5 // 8,
            text_bytes=max(room // 8, 1_000),
            summary_bytes=min(room // 8, _MAX_SUMMARY_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to the model in one step."""

    messages: tuple[PromptMessage, ...]
    tools: tuple[ToolSpecification, ...]
    max_output_tokens: int
    estimated_tokens: int


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The part of the prompt that never changes while a task is worked on."""

    window: Window
    beginning: tuple[PromptMessage, ...]
    tools: tuple[ToolSpecification, ...]
    size_bytes: int


class PromptBuilder:
    """Build the prompts of one task, step after step."""

    def __init__(
        self,
        runtime: Runtime,
        state: TaskState,
        *,
        context_tokens: int,
        earlier: Earlier | None = None,
    ) -> None:
        self._runtime = runtime
        self._earlier = earlier or Earlier()
        self._context_tokens = context_tokens
        self._fixed = self._render_fixed(state)
        self._text_bytes = Window.of(context_tokens, runtime.policy.max_output_tokens).text_bytes
        self._transcript = Transcript(self._text_bytes)

    @classmethod
    async def open(cls, runtime: Runtime, state: TaskState) -> "PromptBuilder":
        """Fit the prompts to the smallest of the models that may be asked."""
        models = model_list(runtime.policy, runtime.team.roles[state.role])
        sizes = [await runtime.policy.context_tokens(model) for model in models]
        earlier = await runtime.recording.journal.earlier(state.task_id)
        return cls(runtime, state, context_tokens=min(sizes), earlier=earlier)

    async def extend(self, envelopes: Sequence[Envelope], blobs: dict[str, bytes]) -> None:
        """Show these events in the next prompt; `blobs` are artifacts at hand, more are added."""
        for envelope in envelopes:
            event = envelope.event
            if isinstance(event, ThoughtRecorded):
                arguments = [action.arguments for action in event.actions]
                await self._fetch(envelope.task_id, arguments, blobs)
                event = _with_whole_arguments(event, blobs)
            elif isinstance(event, ApprovalDecided) and event.arguments is not None:
                await self._fetch(envelope.task_id, [event.arguments], blobs)
            self._transcript.add(envelope.seq, event)

    def compaction(self, state: TaskState) -> ContextCompacted | None:
        """Say whether the oldest turns must make room before the next prompt is built."""
        window = self._at(state).window
        return compaction(
            self._transcript,
            turns_bytes=window.turns_bytes,
            summary_bytes=window.summary_bytes,
        )

    def build(self, state: TaskState) -> Prompt:
        """Put together the messages of the next model call."""
        fixed = self._at(state)
        step = UserMessage(self._runtime.prompts.render(_NEXT_ACTION, _step_values(state)))
        size = fixed.size_bytes + self._transcript.size_bytes + len(step.text.encode())
        return Prompt(
            messages=(*fixed.beginning, *self._turns(fixed.window), step),
            tools=fixed.tools,
            max_output_tokens=fixed.window.max_output_tokens,
            estimated_tokens=int(size / BYTES_PER_TOKEN),
        )

    def _turns(self, window: Window) -> Iterator[PromptMessage]:
        turns = self._transcript.messages()
        if window.text_bytes >= self._text_bytes:
            return turns
        return (_shortened(message, window.text_bytes) for message in turns)

    def _at(self, state: TaskState) -> _Fixed:
        """Render anew only when the provider said that the context is smaller than we thought."""
        if self._window(state) != self._fixed.window:
            self._fixed = self._render_fixed(state)
        return self._fixed

    def _window(self, state: TaskState) -> Window:
        tokens = max(self._context_tokens >> state.trouble.context_halvings, _LEAST_TOKENS)
        return Window.of(tokens, self._runtime.policy.max_output_tokens)

    def _render_fixed(self, state: TaskState) -> _Fixed:
        runtime, window = self._runtime, self._window(state)
        role = runtime.team.roles[state.role]
        tools = tuple(runtime.tools[name].specification() for name in role.tools)
        values = prompt_values(runtime.team, state.role, tools, state.limits)
        system = SystemMessage(runtime.prompts.render(role.template, values))
        goal = UserMessage(f"Your goal:\n{head_and_tail(state.goal, window.text_bytes)}")
        beginning = (system, *self._before(window), goal)
        schemas = sum(len(str(tool.parameters)) + len(tool.description) for tool in tools)
        size = sum(len(message.text.encode()) for message in beginning) + schemas
        return _Fixed(window, beginning, tools, size)

    def _before(self, window: Window) -> tuple[UserMessage, ...]:
        if not self._earlier.count:
            return ()
        values = earlier_values(self._earlier, window.text_bytes)
        text = self._runtime.prompts.render(_EARLIER, values)
        return (UserMessage(head_and_tail(text, window.text_bytes)),)

    async def _fetch(
        self, task_id: TaskId, arguments: list[JsonObject], blobs: dict[str, bytes]
    ) -> None:
        for name in references(arguments):
            if name not in blobs:
                found = await self._runtime.recording.journal.artifact(task_id, name)
                blobs[name] = found or b"(this text is no longer kept)"


def _with_whole_arguments(event: ThoughtRecorded, blobs: Mapping[str, bytes]) -> ThoughtRecorded:
    whole = tuple(
        action.model_copy(update={"arguments": internalize(action.arguments, blobs)})
        for action in event.actions
    )
    return event.model_copy(update={"actions": whole})


def _shortened(message: PromptMessage, limit_bytes: int) -> PromptMessage:
    """Cut the text for a model whose context turned out to be smaller than it was said to be."""
    return replace(message, text=head_and_tail(message.text, limit_bytes))


def _step_values(state: TaskState) -> JsonObject:
    return {
        "step": state.step + 1,
        "max_steps": state.step + int(left(state)["max_steps"] or 0),
        "notices": notices(state),
        "remaining": _remaining(state),
    }


def notices(state: TaskState) -> list[str]:
    """Say what the model must mind in this step, given how the last ones went."""
    found: list[str] = []
    if state.texts_without_call:
        found.append(
            "Your last reply called no tool. Call one now: `finish_task` when you are done, "
            "`ask_user` when you need an answer. A second reply without a call ends the task."
        )
    if state.repeats.count >= 3:
        found.append(
            "You made the same call three times with the same outcome. Do something else; "
            "the same call once more ends the task."
        )
    if state.failures.count >= 2:
        found.append(
            f"Two steps in a row failed in the same way ({state.failures.what}). "
            "Take another approach; a third such failure ends the task."
        )
    if state.trouble.last_code == "output_limit":
        found.append("Your last reply was too long and was cut. Answer in smaller parts.")
    return found


def _remaining(state: TaskState) -> list[str]:
    rest = left(state)
    parts = [f"{rest['max_steps']:.0f} steps"]
    if (tokens := rest["max_tokens"]) is not None:
        parts.append(f"{tokens:,.0f} tokens")
    if (cost := rest["max_cost_usd"]) is not None:
        parts.append(f"${cost:.2f}")
    return [*parts, f"{rest['max_seconds']:.0f} seconds"]

"""What is said to a language model and what comes back, in no provider's dialect."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from steersman.core.events import JsonObject
from steersman.core.ids import ActionId
from steersman.core.limits import Usage


@dataclass(frozen=True, slots=True)
class ToolSpecification:
    """A tool as a model is told of it; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """The standing instructions."""

    text: str


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The goal, a person's words, or the loop's own words to the model."""

    text: str


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A tool call of an earlier reply, as the model is shown it."""

    action_id: ActionId
    tool: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """An earlier reply."""

    text: str
    calls: tuple[RecordedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeMessage:
    """The outcome of one call. Each call of an AssistantMessage is followed by exactly one."""

    action_id: ActionId
    tool: str
    text: str


PromptMessage = SystemMessage | UserMessage | AssistantMessage | OutcomeMessage


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of one model. `max_output_tokens` is a hard bound on the reply."""

    model: str
    messages: tuple[PromptMessage, ...]
    tools: tuple[ToolSpecification, ...]
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply's text, as it streams."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A tool call as the model wrote it: `arguments` is its raw text, JSON or not."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply, whole or `cut` by the caller: then `text` is what had streamed."""

    text: str
    model: str
    usage: Usage
    calls: tuple[ModelCall, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class CallFailed:
    """No usable reply.

    `code`: `timeout` `rate_limited` `overloaded` `connection` `output_limit` `context_exceeded`
    `rejected` (the provider refuses us: another try is useless) `garbage` or `error`.
    `retry_after_seconds` is the provider's wish.
    """

    code: str
    message: str
    usage: Usage = field(default_factory=Usage)
    retry_after_seconds: float | None = None


class Cut(Protocol):
    """Tells a running call to end at once; `asyncio.Event` is one."""

    def is_set(self) -> bool: ...

    async def wait(self) -> Literal[True]: ...


class Model(Protocol):
    """Speak to language models.

    `stream` makes one attempt: any number of TextDelta, then exactly one Reply or CallFailed. It
    raises nothing but cancellation. When `cut` is set it closes the connection and yields the
    Reply with `cut` and a usage that is estimated from what was sent and had streamed.
    """

    def stream(
        self, request: ModelRequest, cut: Cut
    ) -> AsyncGenerator[TextDelta | Reply | CallFailed, None]: ...

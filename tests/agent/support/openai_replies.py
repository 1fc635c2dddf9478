"""What the fake provider can be told to answer, and how that looks on the wire."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from steersman.core.events import JsonObject

CHUNK_ID = "chatcmpl-1"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` is raw text, so that it need not be JSON."""

    name: str
    arguments: str = "{}"
    id: str | None = None


def call(name: str, **arguments: Any) -> Call:
    """Write a tool call with arguments that are JSON, `é` as its escape."""
    return Call(name, json.dumps(arguments))


@dataclass(frozen=True, slots=True)
class Answer:
    """A streamed reply. `piece`: characters per delta, 0 for all in one. Times are seconds.

    The chunks are counted from 1. After `stall_after` nothing more comes but a comment every
    `keep_alive` seconds; after `abort_after` the connection is reset; after `end_after` the body
    ends, cleanly but too early. `tcp_piece` cuts the bytes into writes of that size, wherever that
    is in a character.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    reasoning: str = ""
    usage: JsonObject | None = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 20}
    )
    finish_reason: str | None = None
    piece: int = 8
    escaped: bool = True
    headers_delay: float = 0.0
    delay: float = 0.0
    tcp_piece: int = 0
    stall_after: int | None = None
    keep_alive: float = 0.0
    abort_after: int | None = None
    end_after: int | None = None
    endless: Literal["text", "same_text", "arguments"] | None = None
    extra_chunks: Sequence[JsonObject] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error in OpenAI's form; with `in_stream` a 200 whose stream holds the error."""

    status: int
    message: str = "The provider says no."
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    in_stream: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Any body at all."""

    body: bytes
    content_type: str = "text/event-stream"
    status: int = 200


@dataclass(frozen=True, slots=True)
class HangUp:
    """The connection is reset before anything is answered."""


Scripted = Answer | Refusal | Raw | HangUp


@dataclass(slots=True)
class Received:
    """A request as it came. `ended` is set when the answer is out or the client has left.

    `waiting` is set when the answer first pauses, with all before that sent.
    `left_at`: when the client closed the connection before the end (time.monotonic()).
    """

    body: Any
    headers: dict[str, str]
    waiting: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    left_at: float | None = None
    chunks_sent: int = 0

    @property
    def messages(self) -> list[JsonObject]:
        """The messages of the prompt."""
        return self.body["messages"]


class Instant:
    """Answer at once: `steps` different calls for each goal, then `finish_task`.

    A task is known by its first user message, which holds its goal, because its early calls
    may no longer be in the prompt.
    """

    def __init__(self, steps: int, *, tool: str = "list_files", text: str = "Next.") -> None:
        self._steps = steps
        self._tool = tool
        self._text = text
        self._done: Counter[str] = Counter()

    def __call__(self, received: Received) -> Scripted:
        """Say what comes next in this task."""
        goal = next(m["content"] for m in received.messages if m["role"] == "user")
        self._done[goal] += 1
        number = self._done[goal]
        if number > self._steps:
            return Answer(self._text, [call("finish_task", result="done")], piece=0)
        return Answer(self._text, [call(self._tool, pattern=f"*{number}*")], piece=0)


def from_json(value: JsonObject) -> Scripted:
    """Read one entry of a script file: the fields of Answer, or of Refusal with a `status`."""
    if "status" in value:
        return Refusal(**value)
    calls = [
        Call(one["name"], one["arguments"])
        if isinstance(one.get("arguments"), str)
        else call(one["name"], **one.get("arguments", {}))
        for one in value.get("calls", ())
    ]
    return Answer(**{**value, "calls": calls})


def payloads(answer: Answer, body: JsonObject) -> Iterator[bytes]:
    """Yield the reply as server-sent events, one provider's chunk after the other."""
    model = body["model"]
    for delta in _deltas(answer):
        yield _event(answer, _chunk(model, [_choice(delta)]))
    if answer.endless:
        for delta in _endless(answer.endless):
            yield _event(answer, _chunk(model, [_choice(delta)]))
    reason = answer.finish_reason or ("tool_calls" if answer.calls else "stop")
    yield _event(answer, _chunk(model, [_choice({}, reason)]))
    for extra in answer.extra_chunks:
        yield _event(answer, extra)
    wanted = (body.get("stream_options") or {}).get("include_usage")
    if wanted and answer.usage is not None:
        yield _event(answer, {**_chunk(model, []), "usage": answer.usage})
    yield b"data: [DONE]\n\n"


def error_body(refusal: Refusal) -> JsonObject:
    """Return the error as OpenAI writes it."""
    kind = "invalid_request_error" if refusal.status < 500 else "server_error"
    error = {"message": refusal.message, "type": kind, "param": None, "code": refusal.code}
    return {"error": error}


def _deltas(answer: Answer) -> Iterator[JsonObject]:
    yield {"role": "assistant", "content": ""}
    for piece in _pieces(answer.reasoning, answer.piece):
        yield {"reasoning_content": piece}
    for piece in _pieces(answer.text, answer.piece):
        yield {"content": piece}
    for index, one in enumerate(answer.calls):
        head = {"name": one.name, "arguments": ""}
        call_id = one.id or f"call_{index}"
        yield _call_delta(index, head, id=call_id, type="function")
        for piece in _pieces(one.arguments, answer.piece):
            yield _call_delta(index, {"arguments": piece})


def _endless(kind: str) -> Iterator[JsonObject]:
    if kind == "arguments":
        yield _call_delta(0, {"name": "write_file", "arguments": '{"content": "'}, id="call_0")
    for number in count():
        match kind:
            case "text":
                yield {"content": f"word{number} "}
            case "same_text":
                yield {"content": "again "}
            case _:
                yield _call_delta(0, {"arguments": f"word{number} "})


def _call_delta(index: int, function: JsonObject, **more: str) -> JsonObject:
    return {"tool_calls": [{"index": index, **more, "function": function}]}


def _pieces(text: str, size: int) -> Iterator[str]:
    size = size or max(len(text), 1)
    return (text[start : start + size] for start in range(0, len(text), size))


def _choice(delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _chunk(model: str, choices: list[JsonObject]) -> JsonObject:
    return {
        "id": CHUNK_ID,
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": model,
        "choices": choices,
    }


def _event(answer: Answer, value: JsonObject) -> bytes:
    text = json.dumps(value, ensure_ascii=answer.escaped)
    return b"data: " + text.encode(errors="surrogatepass") + b"\n\n"

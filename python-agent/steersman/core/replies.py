"""What a model's reply becomes: a thought with actions, and at once the failures of bad calls."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from steersman.core.artifacts import externalize
from steersman.core.events import Action, ActionFailed, JsonObject
from steersman.core.ids import ActionId
from steersman.core.model import ModelCall
from steersman.core.outcomes import failed_action
from steersman.core.state import OpenAction
from steersman.core.text import clean, clean_json, head_and_tail, shorten
from steersman.core.tool import Tool, TransactionalTool

MAX_CALLS_PER_REPLY = 16

MAX_CALLS_RECORDED = 64
"""Of a reply that holds more, the rest is only counted: a thought must fit into one event."""

_MAX_NAME = 64
_MAX_COMPLAINT_BYTES = 2_000

_MAX_DEPTH = 32
"""Of arguments. Readers of the log, in whatever language, stop at 64 levels of an event."""

_TOO_LARGE = (
    "The arguments are too large beside their strings, so they are shown as {}. Send less at once, "
    "or in several replies."
)

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ReadCalls:
    """The calls of a reply as actions; those that cannot run have failed already."""

    actions: tuple[Action, ...]
    failures: tuple[ActionFailed, ...]
    blobs: Mapping[str, bytes]


def read_calls(
    calls: tuple[ModelCall, ...], tools: Mapping[str, Tool], new_ids: tuple[ActionId, ...]
) -> ReadCalls:
    """Read the calls in their order. `new_ids` holds one id per call that is recorded."""
    recorded = calls[:MAX_CALLS_RECORDED]
    read = [parse_arguments(call.arguments) for call in recorded]
    kept, blobs = externalize([arguments or {} for arguments in read])
    actions: list[Action] = []
    failures: list[ActionFailed] = []
    ended = False
    for number, (call, action_id) in enumerate(zip(recorded, new_ids, strict=True)):
        whole, shown = read[number], kept[number]
        action = Action(action_id=action_id, tool=_name(call.tool), arguments=shown or {})
        actions.append(action)
        refusal = _refusal(call, whole, tools, number=number, ended=ended)
        if refusal is None and shown is None:
            refusal = "invalid_arguments", _TOO_LARGE
        if refusal:
            failures.append(failed_action(OpenAction(action=action), *refusal))
        tool = tools.get(call.tool)
        ended = ended or (not refusal and isinstance(tool, TransactionalTool) and tool.ends_reply)
    return ReadCalls(tuple(actions), _with_rest(failures, len(calls)), blobs)


def _name(tool: str) -> str:
    """Shorten a tool's name; one that exists is not changed."""
    return shorten(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in tool), _MAX_NAME
    )


def _with_rest(failures: list[ActionFailed], calls: int) -> tuple[ActionFailed, ...]:
    """Have the last failure tell of the calls that are not even recorded."""
    if (rest := calls - MAX_CALLS_RECORDED) <= 0:
        return tuple(failures)
    *others, last = failures
    output = f"{last.output} {rest} more calls after this one are left out."
    told = last.model_copy(update={"output": output, "output_bytes": len(output.encode())})
    return (*others, told)


def _refusal(
    call: ModelCall,
    arguments: JsonObject | None,
    tools: Mapping[str, Tool],
    *,
    number: int,
    ended: bool,
) -> tuple[str, str] | None:
    if number >= MAX_CALLS_PER_REPLY:
        return "too_many_calls", f"Only the first {MAX_CALLS_PER_REPLY} calls of a reply are run."
    if ended:
        return "not_run", "An earlier call of this reply ends it; this one was not run."
    if call.tool not in tools:
        return "unknown_tool", f"There is no such tool. The tools are: {', '.join(sorted(tools))}."
    if arguments is None:
        return "invalid_arguments", (
            "The arguments were not a JSON object; they are shown as {}. "
            f"They began: {shorten(clean(call.arguments[:1_000]), 200)}"
        )
    wrong = invalid_arguments(tools[call.tool], arguments)
    return ("invalid_arguments", wrong) if wrong else None


def invalid_arguments(tool: Tool, arguments: JsonObject) -> str | None:
    """Say what a tool has against arguments, None when it takes them."""
    try:
        tool.arguments.model_validate(arguments)
    except ValidationError as error:
        found = [
            f"{'.'.join(str(part) for part in one['loc']) or 'arguments'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)[:8]
        ]
        return head_and_tail("; ".join(found), _MAX_COMPLAINT_BYTES)
    return None


def parse_arguments(text: str) -> JsonObject | None:
    """Read arguments; an empty text is `{}`, and what the log cannot hold makes it no JSON."""
    try:
        value: Any = json.loads(text, parse_int=_int64) if text.strip() else {}
        json.dumps(value, allow_nan=False)
        _require_shallow(value, _MAX_DEPTH)
    except (ValueError, RecursionError):
        return None
    cleaned = clean_json(value)
    return cast(JsonObject, cleaned) if isinstance(cleaned, dict) else None


def _int64(digits: str) -> int:
    if (number := int(digits)) not in _INT64:
        raise ValueError(f"{shorten(digits, 30)} has more than 64 bits")
    return number


def _require_shallow(value: object, depth: int) -> None:
    if depth < 0:
        raise ValueError("nested too deeply")
    items: list[Any] = []
    if isinstance(value, dict):
        items = list(cast(dict[str, Any], value).values())
    elif isinstance(value, list):
        items = cast(list[Any], value)
    for item in items:
        _require_shallow(item, depth - 1)

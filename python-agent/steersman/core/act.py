"""Act: run the actions of a thought, in their order; pure neighbours run together.

Anything that is not pure has its intent committed before it runs. A tool that fails is a fact
for the log and the model, whatever it raises.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from pydantic import ValidationError

from steersman.core.approvals import arguments_sha256
from steersman.core.artifacts import internalize, keep_output
from steersman.core.errors import Unavailable
from steersman.core.events import (
    ActionFailed,
    ActionInterrupted,
    ActionStarted,
    ActionSucceeded,
    Effect,
    Event,
)
from steersman.core.outcomes import failed_action, interrupted_action
from steersman.core.state import OpenAction, TaskState
from steersman.core.text import clean
from steersman.core.tool import (
    Arguments,
    IdempotentTool,
    OutcomeUnknown,
    RunningTool,
    Tool,
    ToolContext,
    ToolFailure,
    ToolOutput,
    TransactionalTool,
)

_log = logging.getLogger(__name__)

_MAX_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class Ready:
    """An action whose tool and arguments are known and valid."""

    one: OpenAction
    tool: Tool
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of some actions, and the blobs of outputs that were too long."""

    events: tuple[Event, ...]
    blobs: Mapping[str, bytes]


def intent(state: TaskState, tools: Mapping[str, Tool]) -> tuple[Event, ...]:
    """Foresee the intent of the next action, where it needs no look at the world."""
    if state.ending or state.blockers or not state.open_actions:
        return ()
    first = state.open_actions[0]
    tool = tools.get(first.action.tool)
    # What was approved is compared with what will run first, which needs a look at the store.
    foreseeable = not (first.started or first.approved_sha256)
    if not foreseeable or tool is None or tool.effect is not Effect.UNSAFE:
        return ()
    return (started(first, Effect.UNSAFE, first.action.action_id),)


def started(one: OpenAction, effect: Effect, key: str) -> ActionStarted:
    """Build the intent of an action."""
    return ActionStarted(
        action_id=one.action.action_id, tool=one.action.tool, effect=effect, key=key
    )


def make_ready(
    one: OpenAction, tools: Mapping[str, Tool], blobs: Mapping[str, bytes]
) -> Ready | ActionFailed:
    """Find the tool and read the arguments; both may have changed since the thought."""
    tool = tools.get(one.action.tool)
    if tool is None:
        return failed_action(one, "unknown_tool", "There is no such tool any more.")
    try:
        whole = internalize(one.action.arguments, blobs)
        if one.approved_sha256 not in (None, arguments_sha256(whole)):
            return failed_action(one, "rejected", "These are not the arguments that were approved.")
        return Ready(one, tool, tool.arguments.model_validate(whole))
    except ValidationError as error:
        return failed_action(one, "invalid_arguments", str(error.error_count()) + " errors")


def together(ready: tuple[Ready, ...]) -> tuple[Ready, ...]:
    """Return the first action and, if it is pure, its pure neighbours."""
    pure = tuple(takewhile(lambda one: one.tool.effect is Effect.PURE, ready))
    return pure or ready[:1]


async def prepare(
    ready: Ready, context: ToolContext
) -> ActionStarted | ActionFailed | ActionInterrupted:
    """Build the intent of an action that has none yet."""
    tool, one = ready.tool, ready.one
    if not isinstance(tool, IdempotentTool):
        return started(one, tool.effect, one.action.action_id)
    try:
        return started(one, tool.effect, await tool.prepare(ready.arguments, context))
    except ToolFailure as failure:
        return failed_action(one, failure.code, clean(str(failure)))
    except Exception:  # noqa: BLE001 - the tool boundary: whatever a tool raises is its failure
        return _crashed(one)


async def run_all(ready: tuple[Ready, ...], contexts: tuple[ToolContext, ...]) -> Outcomes:
    """Run actions, several at once if they are pure; cancelling ends them all."""
    gate = asyncio.Semaphore(_MAX_TOGETHER)

    async def gated(one: Ready, context: ToolContext) -> Outcomes:
        async with gate:
            return await _run(one, context)

    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(gated(one, context))
            for one, context in zip(ready, contexts, strict=True)
        ]
    outcomes = [task.result() for task in running]
    events = tuple(event for outcome in outcomes for event in outcome.events)
    return Outcomes(events, {k: v for outcome in outcomes for k, v in outcome.blobs.items()})


async def adopt(ready: Ready, context: ToolContext) -> Outcomes | None:
    """Return what came of an action that a dead process had begun, if that can be known."""
    tool = ready.tool
    if not isinstance(tool, RunningTool) or tool.adopt is None:
        return None
    return await _outcome(ready.one, tool.adopt(ready.arguments, context))


def cut_off(batch: tuple[Ready, ...], *, by_shutdown: bool) -> tuple[Event, ...]:
    """Give running actions that were cut their outcome; after a shutdown pure ones run again."""
    return tuple(
        ActionInterrupted(
            action_id=ready.one.action.action_id,
            tool=ready.one.action.tool,
            reason="shutdown" if by_shutdown else "stopped",
        )
        for ready in batch
        if ready.one.started or not by_shutdown
    )


async def _run(ready: Ready, context: ToolContext) -> Outcomes:
    outcome = await _outcome(ready.one, _call(ready, context))
    assert outcome is not None, "only what is adopted may be unknown"
    return outcome


async def _outcome(one: OpenAction, doing: Awaitable[ToolOutput | None]) -> Outcomes | None:
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        output = await doing
    except ToolFailure as failure:
        failed = failed_action(one, failure.code, "")
        return _keeping(failed, str(failure), seconds=clock() - begun)
    except OutcomeUnknown as unknown:
        kept = keep_output(clean(str(unknown)))
        return Outcomes((interrupted_action(one, "outcome_unknown", kept.text),), kept.blobs)
    except Unavailable:
        raise  # not the tool's failure: this worker cannot go on, and another one may
    except Exception:  # noqa: BLE001 - the tool boundary: whatever a tool raises is its failure
        return Outcomes((_crashed(one),), {})
    if output is None:
        return None
    succeeded = ActionSucceeded(
        action_id=one.action.action_id,
        tool=one.action.tool,
        output="",
        output_bytes=0,
        exit_code=output.exit_code,
    )
    return _keeping(succeeded, output.text, seconds=clock() - begun)


async def _call(ready: Ready, context: ToolContext) -> ToolOutput:
    match ready.tool:
        case RunningTool() as tool:
            return await tool.run(ready.arguments, context)
        case IdempotentTool() as tool:
            return await tool.run(ready.arguments, context, ready.one.key or "")
        case TransactionalTool():
            raise TypeError("a transactional tool is decided, not run")


def _keeping(event: ActionSucceeded | ActionFailed, text: str, *, seconds: float) -> Outcomes:
    """Put what the tool said into its outcome; what is too long for an event goes beside it."""
    kept = keep_output(clean(text))
    said = event.model_copy(
        update={
            "output": kept.text,
            "output_bytes": kept.size_bytes,
            "truncated": kept.name is not None,
            "artifact": kept.name,
            "duration_ms": int(seconds * 1000),
        }
    )
    return Outcomes((said,), kept.blobs)


def _crashed(one: OpenAction) -> ActionFailed | ActionInterrupted:
    """Tell of an error that is the tool's own: where it left off, nobody knows."""
    _log.exception("tool_crashed", extra={"action": "tool_crashed", "tool": one.action.tool})
    message = "The tool itself failed; try another way."
    if one.effect in (Effect.UNSAFE, Effect.KEYED):
        return interrupted_action(one, "outcome_unknown", message)
    return failed_action(one, "tool_error", message)

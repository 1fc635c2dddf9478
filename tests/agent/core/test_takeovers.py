"""What the next worker makes of what the last one had begun."""

import asyncio
from typing import Any

import pytest

from steersman.core.commands import AddMessage
from steersman.core.errors import StoreUnavailable
from steersman.core.events import ActionInterrupted, ActionSucceeded, Effect
from steersman.core.tool import OutcomeUnknown, RunningTool, Tool, ToolContext, ToolOutput
from tests.agent.core.playground import Playground, types
from tests.agent.core.playing import Named, PlayedModel, Stage, UntilCut, call, forever, say, tools


class Recorded:
    """An unsafe tool whose first call never ends, and the record that it left."""

    def __init__(self) -> None:
        self.runs = 0
        self.running = asyncio.Event()

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        self.runs += 1
        self.running.set()
        await forever()
        return ToolOutput("never")

    async def adopt(self, arguments: Any, context: ToolContext) -> ToolOutput | None:
        return ToolOutput("it had ended", exit_code=3)

    def tools(self) -> dict[str, Tool]:
        made = RunningTool("run", "Run.", Named, Effect.UNSAFE, self.run, adopt=self.adopt)
        return {**tools(), "run": made}


async def die(ground: Playground, stage: Stage, when: asyncio.Event) -> None:
    """Let a worker work until then, and be gone with its lease."""
    working = asyncio.create_task(ground.run(stage, await ground.claim()).work())
    await when.wait()
    working.cancel()
    await asyncio.wait([working])
    await ground.store.alive("worker-1", seconds=-1)


async def test_what_the_call_of_a_dead_worker_came_to_is_adopted_once(ground: Playground) -> None:
    recorded = Recorded()
    stage = Stage(PlayedModel(say("I work.", call("run"), call("look"))), recorded.tools())
    await die(ground, stage, recorded.running)
    log = await ground.work(Stage(PlayedModel(), recorded.tools()), "worker-2")
    assert types(log)[3:] == [
        "action_started",
        "task_claimed",
        "action_succeeded",
        "action_succeeded",
        "thought_recorded",
        "action_succeeded",
        "task_completed",
    ]
    adopted = log[5].event
    assert isinstance(adopted, ActionSucceeded)
    assert (adopted.tool, adopted.output, adopted.exit_code) == ("run", "it had ended", 3)
    assert recorded.runs == 1


async def test_an_unsafe_call_that_breaks_is_unknown_and_not_tried_again(
    ground: Playground,
) -> None:
    runs = list[str]()

    async def broken(context: ToolContext) -> str:
        runs.append(context.action_id)
        raise ZeroDivisionError

    log = await ground.work(Stage(PlayedModel(say("I run.", call("run"))), tools(run=broken)))
    [cut] = [e.event for e in log if isinstance(e.event, ActionInterrupted)]
    assert cut.reason == "outcome_unknown"
    assert len(runs) == 1


async def test_after_a_call_that_was_cut_while_we_live_the_model_looks_first(
    ground: Playground,
) -> None:
    async def cut(context: ToolContext) -> str:
        raise OutcomeUnknown("Its launcher was killed.")

    model = PlayedModel(say("I run.", call("run"), call("look")))
    log = await ground.work(Stage(model, tools(run=cut)))
    assert types(log)[3:7] == [
        "action_started",
        "action_interrupted",
        "action_failed skipped",
        "thought_recorded",
    ]
    unknown = log[4].event
    assert isinstance(unknown, ActionInterrupted)
    assert (unknown.reason, unknown.output) == ("outcome_unknown", "Its launcher was killed.")


async def test_a_store_that_is_away_is_no_failure_of_the_tool_that_reads_from_it(
    ground: Playground,
) -> None:
    async def away(context: ToolContext) -> str:
        raise StoreUnavailable

    stage = Stage(PlayedModel(say("I look.", call("look"))), tools(look=away))
    with pytest.raises(ExceptionGroup) as raised:
        await ground.work(stage)
    assert raised.group_contains(StoreUnavailable)
    assert types(await ground.log())[-1] == "thought_recorded"


async def test_a_command_that_was_answered_is_not_answered_by_the_next_worker(
    ground: Playground,
) -> None:
    thinking = asyncio.Event()

    async def think() -> None:
        thinking.set()

    stage = Stage(PlayedModel(UntilCut("Hm.", think)))
    await ground.post(stage, AddMessage(text="Use tabs."))
    await die(ground, stage, thinking)
    log = await ground.work(Stage(PlayedModel()), "worker-2")
    assert types(log)[-1] == "task_completed"
    assert types(log).count("message_added") == 1

"""What cuts a run short: messages, stops and shutdowns, on the real store."""

from steersman.core.commands import AddMessage, StopTask
from steersman.core.deltas import Delta
from steersman.core.events import (
    ActionInterrupted,
    ModelCallFailed,
    ThoughtRecorded,
)
from steersman.core.interruption import Shutdown
from steersman.core.model import AssistantMessage, CallFailed, ModelRequest
from steersman.core.tool import ToolContext
from tests.agent.core.playground import Playground, types
from tests.agent.core.playing import (
    PlayedModel,
    Stage,
    UntilCut,
    call,
    forever,
    say,
    tools,
)
from tests.agent.postgres.making import posting


async def test_a_message_cuts_the_model_call_and_what_had_streamed_is_kept(
    ground: Playground,
) -> None:
    async def speak() -> None:
        await ground.post(stage, AddMessage(text="Use tabs."))

    model = PlayedModel(UntilCut("I was going to \N{ROCKET}", speak))
    stage = Stage(model)
    streamed: list[Delta] = []
    stage.deltas.listen(ground.task_id, streamed.append)
    log = await ground.work(stage)
    assert types(log)[2:4] == ["thought_recorded", "message_added"]
    cut = log[2].event
    assert isinstance(cut, ThoughtRecorded)
    assert (cut.text, cut.interrupted, cut.step) == ("I was going to \N{ROCKET}", True, 1)
    assert "".join(delta.text for delta in streamed if delta.step == 1).startswith(cut.text)
    assert AssistantMessage(f"{cut.text}\n(interrupted)") in model.requests[1].messages


async def test_a_stop_ends_a_running_tool(ground: Playground) -> None:
    ended: list[str] = []

    async def endless(context: ToolContext) -> str:
        await ground.post(stage, StopTask(reason="enough"))
        try:
            await forever()
        finally:
            ended.append(context.action_id)
        return "never"

    calls = (call("run"), call("look"))
    stage = Stage(PlayedModel(say("I run it.", *calls)), tools(run=endless))
    log = await ground.work(stage)
    assert types(log)[4:] == [
        "action_interrupted",
        "stop_requested",
        "action_failed skipped",
        "task_stopped",
    ]
    assert len(ended) == 1


async def test_a_message_lets_a_running_tool_end(ground: Playground) -> None:
    async def spoken_to(context: ToolContext) -> str:
        await ground.post(stage, AddMessage(text="Hello."))
        return "done"

    calls = (call("run"), call("look"))
    stage = Stage(PlayedModel(say("I run it.", *calls)), tools(run=spoken_to))
    log = await ground.work(stage)
    assert types(log)[4:7] == ["action_succeeded", "message_added", "action_failed skipped"]
    assert types(log)[-1] == "task_completed"


async def test_a_stop_without_a_hint_is_found_by_looking(ground: Playground) -> None:
    async def stopped_from_afar() -> None:
        await ground.store.tasks.post(posting(ground.task_id, StopTask()))

    log = await ground.work(Stage(PlayedModel(UntilCut("I think", stopped_from_afar))))
    assert types(log)[-1] == "task_stopped"


async def test_a_shutdown_cuts_the_model_call_and_hands_the_task_back(ground: Playground) -> None:
    async def shut_down() -> None:
        ground.shutdown.asked.set()

    log = await ground.work(Stage(PlayedModel(UntilCut("I think", shut_down))))
    failed = log[-1].event
    assert isinstance(failed, ModelCallFailed)
    assert (failed.code, failed.usage.input_tokens) == ("shutdown", 100)
    ground.shutdown = Shutdown()
    log = await ground.work(Stage(PlayedModel()), "worker-2")
    assert types(log)[-1] == "task_completed"


async def test_a_shutdown_lets_a_tool_end_and_takes_back_what_comes_after(
    ground: Playground,
) -> None:
    async def shut_down(context: ToolContext) -> str:
        ground.shutdown.asked.set()
        return "done"

    calls = (call("run"), call("run", name="second"))
    stage = Stage(PlayedModel(say("Twice.", *calls)), tools(run=shut_down))
    log = await ground.work(stage)
    assert types(log)[-1] == "action_succeeded"
    ground.shutdown = Shutdown()
    log = await ground.work(Stage(PlayedModel()), "worker-2")
    assert "action_interrupted" not in types(log)
    assert types(log).count("action_started") == 2


async def test_an_intent_that_a_shutdown_overtakes_is_taken_back(ground: Playground) -> None:
    """The hint of the commit that holds the intent is the last moment before the tool begins."""
    stage = Stage(PlayedModel(say("I run it.", call("run"))))
    commits = 0

    def shut_down_after_the_intent() -> None:
        nonlocal commits
        commits += 1
        if commits == 2:
            ground.shutdown.asked.set()

    stage.hints.listen(ground.task_id, shut_down_after_the_intent)
    log = await ground.work(stage)
    assert types(log)[2:] == ["thought_recorded", "action_started", "action_interrupted"]
    back = log[-1].event
    assert isinstance(back, ActionInterrupted)
    assert (back.reason, back.output) == ("shutdown", "It had not begun.")


async def test_a_stop_at_the_last_failure_stops_the_task(ground: Playground) -> None:
    async def stop(request: ModelRequest) -> None:
        await ground.store.tasks.post(posting(ground.task_id, StopTask()))

    refused = CallFailed("rejected", "The key is not valid.")
    log = await ground.work(Stage(PlayedModel(refused, check=stop)))
    assert types(log)[2:] == ["model_call_failed", "stop_requested", "task_stopped"]


async def test_a_tool_that_outlives_the_grace_is_cut(ground: Playground) -> None:
    async def endless(context: ToolContext) -> str:
        ground.shutdown.asked.set()
        ground.shutdown.over.set()
        await forever()
        return "never"

    log = await ground.work(Stage(PlayedModel(say("I run it.", call("run"))), tools(run=endless)))
    cut = log[-1].event
    assert isinstance(cut, ActionInterrupted)
    assert cut.reason == "shutdown"

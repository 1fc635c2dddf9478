"""The loop on the real store: what is committed, and when."""

import asyncio

from steersman.core.commands import AddMessage
from steersman.core.events import (
    ActionSucceeded,
    TaskFailed,
    ThoughtRecorded,
)
from steersman.core.fold import fold
from steersman.core.model import CallFailed, ModelRequest, OutcomeMessage
from steersman.core.tool import ToolContext, ToolFailure
from tests.agent.core.playground import Playground, types
from tests.agent.core.playing import (
    PlayedModel,
    Stage,
    call,
    finish,
    forever,
    say,
    tools,
)
from tests.agent.postgres.making import ME, posting


async def test_a_task_runs_to_its_end_with_one_commit_for_each_half_of_a_step(
    ground: Playground,
) -> None:
    stage = Stage(PlayedModel(say("I run it.", call("run")), say("I look.", call("look"))))
    log = await ground.work(stage)
    assert await ground.commits() == [
        ["task_submitted"],
        ["task_claimed"],
        ["thought_recorded", "action_started"],
        ["action_succeeded"],
        ["thought_recorded"],
        ["action_succeeded"],
        ["thought_recorded"],
        ["action_succeeded", "task_completed"],
    ]
    view = await ground.store.tasks.view(ground.task_id, ME)
    assert (view["state"], view["result"], view["step"]) == ("completed", "Done.", 3)
    assert view["spent"] == fold(log).spent.model_dump()


async def test_the_next_intent_is_in_the_commit_of_an_outcome(ground: Playground) -> None:
    await ground.work(Stage(PlayedModel(say("Twice.", call("run"), call("run", name="again")))))
    assert await ground.commits() == [
        ["task_submitted"],
        ["task_claimed"],
        ["thought_recorded", "action_started"],
        ["action_succeeded", "action_started"],
        ["action_succeeded"],
        ["thought_recorded"],
        ["action_succeeded", "task_completed"],
    ]


async def test_the_model_sees_how_its_call_failed(ground: Playground) -> None:
    async def missing(context: ToolContext) -> str:
        raise ToolFailure("not_found", "There is no such file.")

    model = PlayedModel(say("I look.", call("look")), say("And again.", call("sudo")))
    await ground.work(Stage(model, tools(look=missing)))
    shown = [m.text for m in model.requests[-1].messages if isinstance(m, OutcomeMessage)]
    assert shown[0] == "failed (not_found): There is no such file."
    assert shown[1].startswith("failed (unknown_tool): There is no such tool. The tools are: ask_")


async def test_a_tool_that_breaks_is_a_failure_and_not_the_end(ground: Playground) -> None:
    async def broken(context: ToolContext) -> str:
        raise ZeroDivisionError

    log = await ground.work(Stage(PlayedModel(say("I look.", call("look"))), tools(look=broken)))
    assert "action_failed tool_error" in types(log)
    assert types(log)[-1] == "task_completed"


async def test_pure_neighbours_run_together(ground: Playground) -> None:
    meeting = asyncio.Barrier(3)

    async def meet(context: ToolContext) -> str:
        await meeting.wait()
        return "met"

    calls = [call("look", name=f"{n}") for n in range(3)]
    log = await ground.work(Stage(PlayedModel(say("All.", *calls)), tools(look=meet)))
    thought = next(e.event for e in log if isinstance(e.event, ThoughtRecorded))
    outcomes = [e.event for e in log if isinstance(e.event, ActionSucceeded)]
    assert [o.action_id for o in outcomes[:3]] == [a.action_id for a in thought.actions]


async def test_an_action_that_is_not_pure_runs_alone_and_in_its_turn(ground: Playground) -> None:
    ran: list[str] = []

    async def note(context: ToolContext) -> str:
        ran.append(context.action_id)
        return "done"

    calls = [call("look"), call("run"), call("write"), call("look", name="b")]
    stage = Stage(PlayedModel(say("All.", *calls)), tools(look=note, run=note, write=note))
    log = await ground.work(stage)
    thought = next(e.event for e in log if isinstance(e.event, ThoughtRecorded))
    assert ran == [action.action_id for action in thought.actions]


async def test_fifty_calls_of_one_reply_all_get_their_outcome(ground: Playground) -> None:
    calls = [call("look", name=f"{n}") for n in range(50)]
    log = await ground.work(Stage(PlayedModel(say("All.", *calls))))
    assert types(log).count("action_failed too_many_calls") == 34
    assert types(log).count("action_succeeded") == 16 + 1
    assert types(log)[-1] == "task_completed"


async def test_a_killed_worker_leaves_a_log_that_another_goes_on_with(ground: Playground) -> None:
    reached = asyncio.Event()

    async def killed(context: ToolContext) -> str:
        reached.set()
        await forever()
        return "never"

    calls = (call("look"), call("run"), call("look", name="b"))
    stage = Stage(PlayedModel(say("I work.", *calls)), tools(run=killed))
    working = asyncio.create_task(ground.run(stage, await ground.claim()).work())
    await reached.wait()
    working.cancel()
    await asyncio.wait([working])
    await ground.store.alive("worker-1", seconds=-1)
    model = PlayedModel()
    log = await ground.work(Stage(model), "worker-2")
    assert types(log)[4:] == [
        "action_started",
        "task_claimed",
        "action_interrupted",
        "action_failed skipped",
        "thought_recorded",
        "action_succeeded",
        "task_completed",
    ]
    assert "outcome unknown" in str(model.requests[0].messages)


async def test_a_question_is_waited_for_by_nobody_and_answered_later(ground: Playground) -> None:
    model = PlayedModel(say("I ask.", call("ask_user", question="Which?")), finish("Blue."))
    stage = Stage(model)
    await ground.work(stage)
    view = await ground.store.tasks.view(ground.task_id, ME)
    assert (view["state"], view["waiting_for"], view["question"]) == (
        "waiting",
        ["message"],
        "Which?",
    )
    (row,) = await ground.store.pool.fetch("SELECT worker_id, due_at FROM tasks")
    assert (row["worker_id"], row["due_at"]) == (None, None)
    await ground.post(stage, AddMessage(text="Blue, of course."))
    log = await ground.work(stage, "worker-2")
    assert types(log)[-1] == "task_completed"
    shown = [m.text for m in model.requests[1].messages if isinstance(m, OutcomeMessage)]
    assert shown == ["Blue, of course."]


async def test_a_message_at_the_last_failure_is_recorded_before_the_end(
    ground: Playground,
) -> None:
    async def speak(request: ModelRequest) -> None:
        await ground.store.tasks.post(posting(ground.task_id, AddMessage(text="Hello?")))

    refused = CallFailed("rejected", "The key is not valid.")
    log = await ground.work(Stage(PlayedModel(refused, check=speak)))
    assert types(log)[2:] == ["model_call_failed", "message_added", "task_failed"]
    assert log[-1].event == TaskFailed(code="model_rejected", message="The key is not valid.")


async def test_the_store_may_go_away_in_the_middle(ground: Playground) -> None:
    async def outage(context: ToolContext) -> str:
        await ground.store.pool.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return "done"

    calls = [say(f"Step {n}.", call("run", name=f"{n}")) for n in range(3)]
    log = await ground.work(Stage(PlayedModel(*calls), tools(run=outage)))
    assert types(log)[-1] == "task_completed"
    assert types(log).count("action_succeeded") == 4
    assert [envelope.seq for envelope in log] == list(range(1, len(log) + 1))

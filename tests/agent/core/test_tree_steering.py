"""A tree is steered at any of its nodes: by people, and by each task for those below it."""

import json
from collections.abc import AsyncGenerator

import pytest
from asyncpg import UniqueViolationError

from steersman.adapters.postgres.journal import PostgresJournal
from steersman.core.commands import AddMessage, PauseTask, ResumeTask, StopTask
from steersman.core.errors import WorkspaceTaken
from steersman.core.events import ActionSucceeded, TaskFailed
from steersman.core.ids import WorkerId
from steersman.core.loop import TaskRun
from steersman.core.model import ModelRequest, Reply
from steersman.core.ports import Decision
from tests.agent.core.playground import types
from tests.agent.core.playing import call, say
from tests.agent.core.team import TeamGround, delegate, delegated, failures, ground, wait
from tests.agent.postgres.making import HOST, ME, Store, opened, stop


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def delegated_by(team: TeamGround) -> TaskRun:
    """Let the root work until it waits; return the run of its child, which holds the workspace."""
    lead = await team.people.claimed()
    assert lead is not None
    await lead.work()
    child = await team.people.claimed()
    assert child is not None
    return child


async def test_a_stop_reaches_the_whole_tree_and_ends_it_from_below_without_a_worker(
    store: Store,
) -> None:
    team = ground(
        store, lead=[delegate("part"), wait()], part=[delegate("below"), wait()], below=[]
    )
    root = await team.submit()
    for _ in range(2):
        run = await team.people.claimed()
        assert run is not None
        await run.work()
    await team.people.post(root, StopTask(reason="enough"))
    assert await team.states() == ["stopped"] * 3
    for task_id in [root, *await team.children(root)]:
        log = await team.log(task_id)
        assert types(log).count("stop_requested") == 1
        assert types(log)[-1] == "task_stopped"
    assert types(await team.log(root)).count("child_finished") == 1


async def test_a_stopped_task_ends_when_the_worker_of_its_child_has_ended_that(
    store: Store,
) -> None:
    team = ground(store, lead=[delegate("part"), wait()])
    root = await team.submit()
    run = await delegated_by(team)
    await team.people.post(root, StopTask())
    view = await team.people.tasks.view(root, ME)
    assert (view["state"], view["waiting_for"]) == ("waiting", ["child"])
    await run.work()
    await team.people.work()
    assert await team.states() == ["stopped", "stopped"]
    assert types(await team.log(root))[-2:] == ["child_finished", "task_stopped"]


async def test_a_pause_holds_the_whole_tree_and_a_resume_lets_it_go_on(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait()])
    root = await team.submit()
    run = await team.people.claimed()
    assert run is not None
    await run.work()
    await team.people.post(root, PauseTask())
    assert await team.people.claimed() is None
    assert await team.states() == ["waiting", "waiting"]
    await team.people.post(root, ResumeTask())
    await team.people.work()
    assert await team.states() == ["completed", "completed"]


async def test_a_parent_that_fails_stops_its_children_first(store: Store) -> None:
    again = [say("Again.", call("look"))] * 5
    team = ground(store, lead=[delegate("part", limits={"max_steps": 5}), *again])
    root = await team.run()
    [child] = await team.children(root)
    assert await team.states() == ["failed", "stopped"]
    log = await team.log(root)
    assert types(log)[-3:] == ["task_claimed", "child_finished", "task_failed"]
    end = log[-1].event
    assert isinstance(end, TaskFailed)
    assert end.code == "stuck"
    assert types(await team.log(child))[-2:] == ["stop_requested", "task_stopped"]


async def test_a_message_to_the_parent_ends_its_wait_and_the_child_goes_on(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait(), wait()])
    root = await team.submit()
    run = await team.people.claimed()
    assert run is not None
    await run.work()
    await team.people.post(root, AddMessage(text="How is it?"))
    await team.people.work()
    log = await team.log(root)
    assert failures(log) == ["skipped"]
    assert await team.states() == ["completed", "completed"]


async def test_a_child_is_told_something_and_stopped_by_its_parent(store: Store) -> None:
    def tell(request: ModelRequest) -> Reply:
        [child] = delegated(request)
        return say("I tell.", call("message_task", task_id=child, text="Use tabs."))

    def end(request: ModelRequest) -> Reply:
        [child] = delegated(request)
        return say("I end it.", call("stop_task", task_id=child, reason="no longer wanted"))

    def check(request: ModelRequest) -> Reply:
        [child] = delegated(request)
        return say("I look.", call("check_task", task_id=child))

    team = ground(store, lead=[delegate("part"), tell, check, end, wait(), tell])
    root = await team.run()
    [child] = await team.children(root)
    log = await team.log(child)
    assert types(log) == [
        "task_submitted",
        "task_claimed",
        "message_added",
        "stop_requested",
        "task_stopped",
    ]
    assert log[2].command_id != log[3].command_id
    assert await team.states() == ["completed", "stopped"]
    assert failures(await team.log(root)) == ["task_ended"]
    [checked] = [
        event.event.output
        for event in await team.log(root)
        if isinstance(event.event, ActionSucceeded) and event.event.tool == "check_task"
    ]
    outcome = json.loads(checked)
    assert outcome["task_id"] == child


async def test_a_parent_that_is_stopped_meanwhile_gains_no_child(store: Store) -> None:
    team = ground(store, lead=[delegate("part")])
    root = await team.submit()

    class Overtaken(PostgresJournal):
        async def commit(self, decision: Decision) -> int:
            if decision.children:
                await store.tasks.post(stop(root))
            return await super().commit(decision)

    await store.alive("worker-1", seconds=60)
    journal = Overtaken(store.pool, WorkerId("worker-1"), HOST)
    claim = await journal.claim(("orchestrator",))
    assert claim is not None
    await TaskRun(claim, team.people.stage.runtime(journal), team.people.shutdown).work()
    assert await team.children(root) == []
    assert await team.states() == ["stopped"]


async def test_what_a_child_reports_is_in_the_inbox_with_its_end(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait()])
    root = await team.submit()
    for _ in range(2):
        run = await team.people.claimed()
        assert run is not None
        await run.work()
    [child] = await team.children(root)
    rows = await store.pool.fetch(
        "SELECT command_id, xmin::text FROM inbox WHERE task_id = $1", root
    )
    ends = await store.pool.fetch(
        "SELECT xmin::text FROM events WHERE task_id = $1 AND type = 'task_completed'", child
    )
    assert [row["command_id"] for row in rows] == [f"child:{child}"]
    assert rows[0]["xmin"] == ends[0]["xmin"]


async def test_a_lost_answer_to_a_delegation_makes_no_second_child(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait()])
    root = await team.submit()

    class Repeating(PostgresJournal):
        async def commit(self, decision: Decision) -> int:
            await super().commit(decision)
            try:
                return await super().commit(decision)
            except UniqueViolationError as error:
                raise AssertionError("other tasks are told twice") from error

    await store.alive("worker-1", seconds=60)
    for _ in range(3):
        journal = Repeating(store.pool, WorkerId("worker-1"), HOST)
        claim = await journal.claim(("orchestrator", "developer"))
        assert claim is not None
        await TaskRun(claim, team.people.stage.runtime(journal), team.people.shutdown).work()
    assert len(await team.children(root)) == 1
    assert types(await team.log(root)).count("child_finished") == 1
    assert await team.states() == ["completed", "completed"]


async def test_a_parent_hears_people_while_its_child_has_the_workspace(store: Store) -> None:
    plan = say("I note it.", call("update_plan", items=[{"text": "Faster."}]))
    team = ground(store, lead=[delegate("part"), wait(), plan, say("I look.", call("look"))])
    root = await team.submit()
    child = await delegated_by(team)
    await team.people.post(root, AddMessage(text="Hurry."))
    lead = await team.people.claimed()
    assert lead is not None
    with pytest.raises(WorkspaceTaken):
        await lead.work()
    assert "plan_updated" in types(await team.log(root))
    await child.work()
    await team.people.workers_die()
    await team.people.work()
    assert await team.states() == ["completed", "completed"]
    looked = [
        event.event
        for event in await team.log(root)
        if isinstance(event.event, ActionSucceeded) and event.event.tool == "look"
    ]
    assert len(looked) == 1

"""A team: tasks that delegate, wait, are told of ends, and end after all below them."""

from collections.abc import AsyncGenerator

import pytest

from steersman.core.errors import TaskNotFound
from steersman.core.events import (
    ChildFinished,
    TaskCompleted,
    TaskFailed,
)
from steersman.core.ids import OwnerId
from steersman.core.model import Reply
from tests.agent.core.playground import types
from tests.agent.core.playing import call, finish, say
from tests.agent.core.team import delegate, failures, ground, shown_to, wait
from tests.agent.postgres.making import ME, Store, opened


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_what_a_child_says_reaches_the_parent_once_and_before_its_own_end(
    store: Store,
) -> None:
    team = ground(store, lead=[delegate("part"), wait(), finish("All done.")])
    root = await team.run()
    assert types(await team.log(root)) == [
        "task_submitted",
        "task_claimed",
        "thought_recorded",
        "child_delegated",
        "action_succeeded",
        "thought_recorded",
        "wait_started",
        "task_claimed",
        "child_finished",
        "action_succeeded",
        "thought_recorded",
        "action_succeeded",
        "task_completed",
    ]
    [child] = await team.children(root)
    [finished] = [e.event for e in await team.log(root) if isinstance(e.event, ChildFinished)]
    assert (finished.child_id, finished.state, finished.result) == (
        child,
        "completed",
        "part: done.",
    )
    assert "part: done." in shown_to(team.people.stage.model)


async def test_while_it_waits_a_parent_is_held_by_nobody(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait()])
    root = await team.submit()
    run = await team.people.claimed()
    assert run is not None
    await run.work()
    row = (await store.pool.fetch("SELECT * FROM tasks WHERE id = $1", root))[0]
    assert (row["worker_id"], row["state"], row["waiting_for"], row["due_at"]) == (
        None,
        "waiting",
        ["child"],
        None,
    )


async def test_several_children_of_one_reply_and_a_wait_for_any(store: Store) -> None:
    both = say(
        "Both.",
        call("delegate_task", role="developer", goal="one"),
        call("delegate_task", role="developer", goal="two"),
    )
    team = ground(store, lead=[both, wait("any"), wait("all")])
    root = await team.run()
    view = await team.people.tasks.view(root, ME)
    assert [child["state"] for child in view["children"]] == ["completed", "completed"]
    assert await team.states() == ["completed"] * 3


async def test_a_task_cannot_finish_before_its_children(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), finish("Too early."), wait()])
    root = await team.run()
    log = await team.log(root)
    assert failures(log) == ["children_running"]
    assert isinstance(log[-1].event, TaskCompleted)


async def test_a_text_that_would_end_the_task_waits_for_its_children(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), say("So."), say("There."), finish("Now.")])
    root = await team.run()
    end = (await team.log(root))[-1].event
    assert isinstance(end, TaskCompleted)
    assert end.result == "Now."


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (delegate("part", role="nobody"), "unknown_role"),
        (delegate("part", limits={"max_steps": 1000}), "limit_exceeded"),
        (delegate("part", limits={"max_steps": 0}), "invalid_arguments"),
        (delegate("part", limits={"max_wishes": 3}), "invalid_arguments"),
        (delegate("part", workspace="../elsewhere"), "invalid_arguments"),
        (say("?", call("wait_for_tasks", task_ids=["me"])), "not_your_child"),
        (say("?", call("check_task", task_id="me")), "not_your_child"),
        (say("?", call("message_task", task_id="me", text="hi")), "not_your_child"),
        (say("?", call("stop_task", task_id="me")), "not_your_child"),
    ],
)
async def test_what_cannot_be_delegated_is_told_to_the_model(
    store: Store, part: Reply, code: str
) -> None:
    team = ground(store, lead=[part])
    root = await team.run()
    assert failures(await team.log(root)) == [code]
    assert await team.states() == ["completed"]


async def test_a_tree_is_as_wide_and_as_deep_as_it_may_be(store: Store) -> None:
    team = ground(
        store,
        lead=[delegate("part"), delegate("more"), wait()],
        part=[delegate("below")],
    )
    root = await team.run(max_children=1, max_depth=1)
    [child] = await team.children(root)
    assert failures(await team.log(root)) == ["limit_exceeded"]
    assert failures(await team.log(child)) == ["limit_exceeded"]


async def test_a_child_that_fails_is_reported_and_the_parent_decides(store: Store) -> None:
    same = [say("Again.", call("look"))] * 5
    team = ground(store, lead=[delegate("part"), wait(), finish("It could not be.")], part=same)
    root = await team.run()
    [child] = await team.children(root)
    end = (await team.log(child))[-1].event
    assert isinstance(end, TaskFailed)
    assert end.code == "stuck"
    assert "has ended: failed. It reports:\\nstuck: " in shown_to(team.people.stage.model)
    assert (await team.log(root))[-1].event == TaskCompleted(result="It could not be.")


async def test_what_children_spend_is_their_parents_and_what_they_may_spend_is_reserved(
    store: Store,
) -> None:
    team = ground(
        store,
        lead=[delegate("part", limits={"max_steps": 30}), wait()],
        part=[say("Hm.", call("look"))],
    )
    root = await team.submit(max_steps=40)
    run = await team.people.claimed()
    assert run is not None
    await run.work()
    prompt = shown_to(team.people.stage.model)
    assert "Step 2 of 10" in prompt
    await team.people.work()
    spent = (await team.people.tasks.view(root, ME))["spent"]
    assert (spent["steps"], spent["input_tokens"]) == (5, 500)


async def test_the_tree_is_shown_with_all_views(store: Store) -> None:
    team = ground(store, lead=[delegate("part"), wait()], part=[delegate("below"), wait()])
    root = await team.run()
    tree = await team.people.tasks.tree(root, ME)
    assert (tree["task"]["goal"], tree["children"][0]["task"]["goal"]) == ("lead", "part")
    assert tree["children"][0]["children"][0]["task"]["goal"] == "below"
    assert tree["children"][0]["children"][0]["children"] == []
    with pytest.raises(TaskNotFound):
        await team.people.tasks.tree(root, OwnerId("somebody else"))

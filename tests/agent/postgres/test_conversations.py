"""Conversations: one task at a time, in their order, each told of those before it; listed fast."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Literal

import pytest

from steersman.adapters.postgres.conversations import PostgresConversations
from steersman.core.clock import new_id
from steersman.core.commands import StopTask
from steersman.core.conversation import MOST_EARLIER
from steersman.core.events import TaskCompleted, TaskStopped
from steersman.core.ids import OwnerId, TaskId
from steersman.core.ports import Claim
from tests.agent.postgres.making import (
    CLOCK,
    ME,
    ROLES,
    Store,
    decision,
    message,
    opened,
    submission,
    submitted,
)

SOMEBODY = OwnerId("somebody")


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url, size=8) as store:
        await store.alive("worker-1", seconds=600)
        yield store


@pytest.fixture
def conversation() -> str:
    return new_id(CLOCK)


@pytest.fixture
def conversations(store: Store) -> PostgresConversations:
    return PostgresConversations(store.pool)


async def claim_next(store: Store) -> Claim:
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    return claim


async def end(store: Store, claim: Claim, result: str = "It works.") -> None:
    """Complete a claimed task, with a view like those of the loop."""
    made = decision(claim, TaskCompleted(result=result), state="completed", final=True)
    view = await store.tasks.view(claim.task_id, ME)
    view |= {"state": "completed", "result": result}
    await store.journal().commit(replace(made, view=view))


async def done(store: Store, conversation: str, goal: str, result: str = "It works.") -> TaskId:
    task_id = await submitted(store, conversation_id=conversation, goal=goal)
    await end(store, await claim_next(store), result)
    return task_id


async def test_a_task_is_told_what_came_before_newest_last(store: Store, conversation: str) -> None:
    first = await submitted(store, conversation_id=conversation, goal="Add a cart")
    await store.tasks.post(message(first, "Keep it small."))
    await end(store, await claim_next(store), "There is a cart.")
    await done(store, conversation, "Add a till", "There is a till.")
    now = await submitted(store, conversation_id=conversation, goal="Test both")
    earlier = await store.journal().earlier(now)
    assert [(task.goal, task.outcome, task.messages) for task in earlier.tasks] == [
        ("Add a cart", "There is a cart.", ("Keep it small.",)),
        ("Add a till", "There is a till.", ()),
    ]
    assert earlier.count == 2


async def test_what_ends_while_a_task_lives_changes_nothing_for_it(
    store: Store, conversation: str
) -> None:
    await done(store, conversation, "one")
    now = await submitted(store, conversation_id=conversation, goal="two")
    before = await store.journal().earlier(now)
    queued = await submitted(store, conversation_id=conversation, goal="three")
    claim = await store.journal().claim_for_command(queued)
    assert claim is not None
    await store.journal().commit(
        decision(claim, TaskStopped(by=ME), state="stopped", final=True, release=True)
    )
    assert await store.journal("worker-2").earlier(now) == before
    await end(store, await claim_next(store))
    later = await submitted(store, conversation_id=conversation, goal="four")
    assert (await store.journal().earlier(later)).count == 3


async def test_a_task_that_waited_is_told_of_the_one_that_it_waited_for(
    store: Store, conversation: str
) -> None:
    await submitted(store, conversation_id=conversation, goal="one")
    waiting = await submitted(store, conversation_id=conversation, goal="two")
    assert (await store.journal().earlier(waiting)).tasks == ()
    await end(store, await claim_next(store))
    assert [task.goal for task in (await store.journal().earlier(waiting)).tasks] == ["one"]


async def test_a_task_is_told_nothing_of_other_conversations(store: Store) -> None:
    await done(store, new_id(CLOCK), "one")
    other = await submitted(store, goal="two")
    assert (await store.journal().earlier(other)).count == 0


async def test_a_claim_costs_as_much_after_hundreds_of_tasks_as_after_a_few(
    store: Store, conversation: str
) -> None:
    for goal in ("ü" * 300_000, "short"):
        await done(store, conversation, goal, "é" * 3_000)
    now = await submitted(store, conversation_id=conversation, goal="now")
    await _copy_the_first(store, now, times=500)
    earlier = await store.journal().earlier(now)
    assert (len(earlier.tasks), earlier.count) == (MOST_EARLIER, 502)
    plan = await _plan_of_earlier(store, now)
    assert plan["Actual Rows"] == MOST_EARLIER
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 300


async def _copy_the_first(store: Store, now: TaskId, *, times: int) -> None:
    await store.pool.fetch(
        "INSERT INTO tasks (id, owner_id, conversation_id, root_id, role, workspace_id,"
        " contract_version, state, final, version, view, nth_ended)"
        " SELECT new.id, owner_id, conversation_id, new.id, role, workspace_id, 1, state, true, 1,"
        " view, new.n + 2 FROM tasks, (SELECT gen_random_uuid() AS id, n FROM"
        " generate_series(1, $2::int) AS n) AS new WHERE nth_ended = 2"
        " AND conversation_id = (SELECT conversation_id FROM tasks WHERE id = $1)",
        now,
        times,
    )
    await store.pool.fetch("UPDATE tasks SET ended_before = $2 + 2 WHERE id = $1", now, times)
    await store.pool.fetch("ANALYZE tasks")


async def _plan_of_earlier(store: Store, now: TaskId) -> dict[str, Any]:
    from steersman.adapters.postgres import journal  # noqa: PLC0415 - its SQL is its own

    statement = journal._SQL["earlier"]
    [row] = await store.pool.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", now, MOST_EARLIER
    )
    return json.loads(row[0])[0]["Plan"]


async def test_of_twenty_at_once_one_is_active_and_the_others_follow_in_their_order(
    store: Store, conversation: str
) -> None:
    ids = await asyncio.gather(
        *(submitted(store, conversation_id=conversation, goal=f"{n}") for n in range(20))
    )
    await store.alive("worker-2", seconds=600)
    order: list[TaskId] = []
    while claim := await store.journal().claim(ROLES):
        order.append(claim.task_id)
        assert await store.journal("worker-2").claim(ROLES) is None
        await end(store, claim)
    assert sorted(order) == sorted(ids)
    assert order[1:] == sorted(order[1:])


@pytest.mark.parametrize("on_busy", ["interrupt", "reject"])
async def test_twenty_that_do_not_wait_leave_one_active(
    store: Store, conversation: str, on_busy: Literal["interrupt", "reject"]
) -> None:
    active = await submitted(store, conversation_id=conversation)
    claim = await claim_next(store)
    answers = await asyncio.gather(
        *(
            store.tasks.submit(submission(conversation_id=conversation, on_busy=on_busy))
            for _ in range(20)
        ),
        return_exceptions=True,
    )
    refused = sum(isinstance(answer, Exception) for answer in answers)
    inbox = await store.journal().inbox(active, 0)
    assert (refused, len(inbox)) == ((0, 20) if on_busy == "interrupt" else (20, 0))
    assert all(isinstance(entry.command, StopTask) for entry in inbox)
    await store.journal().commit(
        decision(claim, TaskStopped(by=ME), state="stopped", final=True, release=True)
    )
    following = await store.journal().claim(ROLES)
    assert (following is not None) is (on_busy == "interrupt")


async def test_what_interrupts_starts_before_what_was_waiting(
    store: Store, conversation: str
) -> None:
    await submitted(store, conversation_id=conversation, goal="active")
    claim = await claim_next(store)
    await submitted(store, conversation_id=conversation, goal="waiting")
    await store.tasks.submit(
        submission(conversation_id=conversation, goal="interrupting", on_busy="interrupt")
    )
    await end(store, claim)
    goals: list[str] = []
    while claim := await store.journal().claim(ROLES):
        goals.append((await store.tasks.view(claim.task_id, ME))["goal"])
        await end(store, claim)
    assert goals == ["interrupting", "waiting"]

"""Approvals as people decide them, on a real store: once, bound to what was shown, remembered."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from steersman.core.approval_desk import ApprovalFilter
from steersman.core.approvals import arguments_sha256
from steersman.core.clock import new_id
from steersman.core.commands import StopTask
from steersman.core.errors import (
    ApprovalChanged,
    ApprovalDecided,
    ApprovalNotFound,
    CommandConflict,
    Invalid,
    SteersmanError,
    TaskEnded,
)
from steersman.core.events import ApprovalDecided as Decided
from steersman.core.events import JsonObject
from steersman.core.ids import ApprovalId, OwnerId
from tests.agent.core.asking_place import Place, run
from tests.agent.core.making import kinds
from tests.agent.core.playing import finish
from tests.agent.postgres.making import CLOCK, ME, Store, opened


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_what_is_remembered_covers_the_same_call_in_that_conversation(store: Store) -> None:
    place = Place(store, *[run("x"), finish()] * 4)
    here = new_id(CLOCK)
    _, (shown,) = await place.asked(here)
    await place.people.decide(shown, remember="conversation")
    await place.people.work()
    again, nothing = await place.asked(here)
    assert (place.ran, nothing) == (["x", "x"], [])
    (decided,) = (e.event for e in await place.people.log(again) if isinstance(e.event, Decided))
    assert (decided.decision, decided.decided_by, decided.reason) == ("approved", ME, "remembered")
    _, (elsewhere,) = await place.asked(new_id(CLOCK))
    assert (elsewhere["state"], place.ran) == ("pending", ["x", "x"])


async def test_other_arguments_of_the_conversation_ask_again(store: Store) -> None:
    place = Place(store, run("x"), finish(), run("y"), finish())
    here = new_id(CLOCK)
    _, (shown,) = await place.asked(here)
    await place.people.decide(shown, remember="conversation")
    await place.people.work()
    _, (other,) = await place.asked(here)
    assert (other["arguments"], place.ran) == ({"name": "y"}, ["x"])


async def test_a_refusal_is_not_remembered(store: Store) -> None:
    place = Place(store, run("x"), finish(), run("x"), finish())
    here = new_id(CLOCK)
    _, (shown,) = await place.asked(here)
    await place.people.decide(shown, "reject", remember="conversation")
    await place.people.work()
    _, asked = await place.asked(here)
    assert ([one["state"] for one in asked], place.ran) == (["pending"], [])


@pytest.mark.parametrize("length", [10, 8_000, 200_000])
async def test_what_was_edited_runs_whole_however_long_it_is(store: Store, length: int) -> None:
    place = Place(store, run("x"))
    edited = {"name": "\u00fc" * length}
    task_id, (shown,) = await place.asked()
    await place.people.decide(shown, arguments=edited)
    await place.people.work()
    assert place.ran == [edited["name"]]
    log = await place.people.log(task_id)
    (decided,) = (e.event for e in log if isinstance(e.event, Decided))
    assert decided.arguments_sha256 == arguments_sha256(edited)
    assert max(len(str(envelope.to_wire())) for envelope in log) < 64 * 1024


@pytest.mark.parametrize(
    ("decision", "arguments", "says"),
    [
        ("approve", {"nme": "x"}, "arguments: nme: Extra inputs are not permitted"),
        ("approve", {"name": 7}, "arguments: name: Input should be a valid string"),
        ("approve", {"name": "\0"}, "arguments: the log cannot hold them"),
        ("reject", {"name": "y"}, "arguments: only a call that is approved can be edited."),
    ],
)
async def test_edited_arguments_that_do_not_fit_are_refused_and_it_waits_on(
    store: Store, decision: str, arguments: JsonObject, says: str
) -> None:
    place = Place(store, run("x"))
    _, (shown,) = await place.asked()
    with pytest.raises(Invalid) as caught:
        await place.people.decide(shown, decision, arguments=arguments)
    assert str(caught.value).startswith(says)
    assert await place.people.pending() == [shown]


async def test_several_are_decided_in_any_order_and_run_in_their_own(store: Store) -> None:
    place = Place(store, run("a", "b", "c"))
    task_id, (a, b, c) = await place.asked()
    assert [one["arguments"]["name"] for one in (a, b, c)] == ["a", "b", "c"]
    await place.people.decide(c)
    await place.people.work()
    await place.people.decide(b, "reject", reason="Not b.")
    await place.people.work()
    assert (place.ran, await place.state(task_id)) == ([], "waiting")
    await place.people.decide(a)
    await place.people.work()
    assert (place.ran, await place.state(task_id)) == (["a", "c"], "completed")


async def test_of_two_deciders_at_once_one_is_told(store: Store) -> None:
    place = Place(store, run("x"))
    task_id, (shown,) = await place.asked()
    wishes = [place.people.decide(shown, wish) for wish in ("approve", "reject", "approve")]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    refused = [code(answer) for answer in answers if isinstance(answer, BaseException)]
    assert (len(taken), refused) == (1, ["approval_decided"] * 2)
    await place.people.work()
    assert place.ran == (["x"] if taken[0]["state"] == "approved" else [])
    log = kinds(envelope.event for envelope in await place.people.log(task_id))
    assert log.count("approval_decided") == 1


async def test_a_decision_on_something_else_than_was_asked_is_refused(store: Store) -> None:
    place = Place(store, run("x"))
    _, (shown,) = await place.asked()
    with pytest.raises(ApprovalChanged):
        await place.people.decide({**shown, "arguments_sha256": "0" * 64})
    await place.people.decide(shown)
    await place.people.work()
    assert place.ran == ["x"]


async def test_a_stop_withdraws_and_a_decision_after_it_is_told_that_the_task_ended(
    store: Store,
) -> None:
    place = Place(store, run("x"))
    task_id, (shown,) = await place.asked()
    await place.people.post(task_id, StopTask())
    with pytest.raises(TaskEnded):
        await place.people.decide(shown)
    found = await place.people.approvals.get(ApprovalId(shown["approval_id"]), ME)
    assert (found["state"], place.ran) == ("withdrawn", [])


async def test_other_people_see_no_approval(store: Store) -> None:
    place = Place(store, run("x"))
    _, (shown,) = await place.asked()
    somebody = OwnerId("somebody")
    with pytest.raises(ApprovalNotFound):
        await place.people.approvals.get(ApprovalId(shown["approval_id"]), somebody)
    assert (await place.people.approvals.list(ApprovalFilter(somebody))).items == ()


async def test_a_decision_under_the_same_id_is_one_and_under_it_no_other_is_taken(
    store: Store,
) -> None:
    place = Place(store, run("x"))
    _, (shown,) = await place.asked()
    first = await place.people.decide(shown, command_id="one")
    assert await place.people.decide(shown, command_id="one") == first
    with pytest.raises(CommandConflict):
        await place.people.decide(shown, "reject", command_id="one")


async def test_a_decision_outlives_the_worker_that_had_asked(store: Store) -> None:
    """A worker dies with the task in hand, so that the decision waits until its lease ends."""
    place = Place(store, run("x"))
    task_id, (shown,) = await place.asked()
    await store.pool.fetch("UPDATE tasks SET due_at = now()")
    claimed = await place.people.claimed()
    assert claimed is not None
    await place.people.decide(shown)
    await place.people.work()
    assert (place.ran, await place.people.pending()) == ([], [])
    with pytest.raises(ApprovalDecided):
        await place.people.decide(shown, "reject")
    await place.people.workers_die()
    await place.people.work()
    assert (place.ran, await place.state(task_id)) == (["x"], "completed")


async def test_nobody_approves_after_its_time_though_no_worker_lives_to_deny(
    store: Store,
) -> None:
    place = Place(store, run("x"))
    task_id, (shown,) = await place.asked()
    await pass_time(store, shown)
    with pytest.raises(ApprovalDecided):
        await place.people.decide(shown)
    found = await place.people.approvals.get(ApprovalId(shown["approval_id"]), ME)
    assert (found["state"], await place.people.pending()) == ("expired", [])
    assert kinds(e.event for e in await place.people.log(task_id))[-1] == "approval_requested"


async def test_an_approval_that_expires_is_denied_by_whoever_claims_next(store: Store) -> None:
    place = Place(store, run("x"), finish())
    place.stage.approval_ttl = timedelta(milliseconds=1)
    task_id, asked = await place.asked()
    log = kinds(envelope.event for envelope in await place.people.log(task_id))
    assert (asked, place.ran, await place.state(task_id)) == ([], [], "completed")
    assert log[2:6] == [
        "thought_recorded",
        "approval_requested",
        "approval_decided",
        "action_failed rejected",
    ]


async def pass_time(store: Store, shown: JsonObject) -> None:
    """Have the time of an approval be over, by the store's clock."""
    approval_id = UUID(shown["approval_id"])
    await store.pool.fetch(
        "UPDATE approvals SET expires_at = now() - interval '1 ms' WHERE id = $1", approval_id
    )


def code(error: BaseException) -> Any:
    assert isinstance(error, SteersmanError)
    return error.code()

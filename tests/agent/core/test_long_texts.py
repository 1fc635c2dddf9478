"""The longest goal, message and answer in a real store: small events, all of it beside them."""

from collections.abc import AsyncGenerator

import pytest

from steersman.core.commands import MAX_TEXT_CHARACTERS, AddMessage
from steersman.core.errors import Invalid
from steersman.core.events import ActionSucceeded, MessageAdded, TaskCompleted, TaskSubmitted
from steersman.core.ids import TaskId
from steersman.core.model import ModelCall, UserMessage
from steersman.core.text import json_bytes
from tests.agent.core.making import kinds
from tests.agent.core.people import People
from tests.agent.core.playing import PlayedModel, Stage, UntilCut, call, say
from tests.agent.postgres.making import ME, Store, opened

LONG = "\N{ROCKET}" * MAX_TEXT_CHARACTERS
MOST_BYTES = 64 * 1024


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_a_long_goal_message_and_answer_are_kept_whole_beside_small_events(
    store: Store,
) -> None:
    model = PlayedModel(say("", call("ask_user", question="Which?")))
    people = People(store, Stage(model))
    task_id = await people.submit(LONG)
    await people.work()
    await people.post(task_id, AddMessage(text=LONG))
    await people.work()
    log = await people.log(task_id)
    assert max(json_bytes(envelope.to_wire()) for envelope in log) <= MOST_BYTES
    said = [texts(envelope.event) for envelope in log]
    cut = [text for text in said if text]
    assert len(cut) == 3
    assert {await whole(people, task_id, text) for text in cut} == {LONG}
    assert len(await view_bytes(people, task_id)) <= 16 * 1024


async def test_the_same_long_message_under_one_id_is_one_command(store: Store) -> None:
    people = People(store, Stage(PlayedModel()))
    task_id = await people.submit()
    for _ in range(2):
        await people.tasks.post(task_id, ME, AddMessage(text=LONG), command_id="once")
    assert kinds(e.event for e in await people.log(task_id)) == ["task_submitted", "message_added"]


async def test_a_reply_with_hundreds_of_calls_is_recorded_and_the_task_goes_on(
    store: Store,
) -> None:
    calls = [ModelCall("look" * 30, '{"name": "%s"}' % ("\N{ROCKET}" * 2_000))] * 400
    people = People(store, Stage(PlayedModel(say(LONG, *calls))))
    task_id = await people.submit()
    await people.work()
    log = await people.log(task_id)
    assert isinstance(log[-1].event, TaskCompleted)
    assert max(json_bytes(envelope.to_wire()) for envelope in log) <= MOST_BYTES


async def test_what_streamed_until_a_long_message_cut_it_is_kept(store: Store) -> None:
    async def speak() -> None:
        await people.post(task_id, AddMessage(text=LONG))

    model = PlayedModel(UntilCut("I was going to", speak))
    people = People(store, Stage(model))
    task_id = await people.submit()
    await people.work()
    shown = [m.text for m in model.requests[1].messages if isinstance(m, UserMessage)]
    assert any(text.startswith("\N{ROCKET}") for text in shown)
    assert max(json_bytes(e.to_wire()) for e in await people.log(task_id)) <= MOST_BYTES


async def test_what_the_store_cannot_hold_is_refused_whoever_sends_it(store: Store) -> None:
    people = People(store, Stage(PlayedModel()))
    task_id = await people.submit()
    with pytest.raises(Invalid):
        await people.submit("nothing \0")
    with pytest.raises(Invalid):
        await people.post(task_id, AddMessage(text="nothing \0"))
    assert kinds(e.event for e in await people.log(task_id)) == ["task_submitted"]


def texts(event: object) -> str | None:
    match event:
        case TaskSubmitted(goal=text) | MessageAdded(text=text):
            return text
        case ActionSucceeded(tool="ask_user", output=text):
            return text
        case _:
            return None


async def whole(people: People, task_id: TaskId, cut: str) -> str:
    """Read what a cut text names."""
    name = cut.partition("all of it: artifact ")[2].split(" ")[0]
    found = await people.store.tasks.read_artifact(task_id, name)
    assert found is not None
    return found.decode()


async def view_bytes(people: People, task_id: TaskId) -> bytes:
    row = await people.store.pool.fetchrow(
        "SELECT view::text FROM tasks WHERE id::text = $1", task_id
    )
    assert row is not None
    return str(row["view"]).encode()

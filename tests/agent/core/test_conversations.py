"""Tasks of one conversation on a real store: who waits, who interrupts, what the next is told."""

from collections.abc import AsyncGenerator

import pytest

from steersman.core.clock import new_id
from steersman.core.commands import AddMessage
from steersman.core.errors import ConversationBusy
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from steersman.core.new_task import NewTask
from tests.agent.core.people import People
from tests.agent.core.playing import PlayedModel, Stage, call, finish, say
from tests.agent.postgres.making import CLOCK, ME, Store, opened
from tests.agent.prompts.test_golden import assert_golden


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def conversation() -> str:
    return new_id(CLOCK)


QUESTION = say("I ask.", call("ask_user", question="Which?"))


async def submit(people: People, conversation: str, on_busy: str) -> TaskId:
    wish = {"goal": "go on", "conversation_id": conversation, "on_busy": on_busy}
    answer = await people.tasks.submit(NewTask.model_validate(wish), ME)
    return TaskId(answer["task_id"])


async def view(people: People, task_id: TaskId) -> JsonObject:
    return await people.tasks.view(task_id, ME)


async def test_who_waits_begins_when_the_task_before_has_ended(
    store: Store, conversation: str
) -> None:
    people = People(store, Stage(PlayedModel(QUESTION, finish(), QUESTION)))
    first = await people.submit(conversation_id=conversation)
    second = await submit(people, conversation, "enqueue")
    with pytest.raises(ConversationBusy):
        await submit(people, conversation, "reject")
    await people.work()
    assert (await view(people, first))["waiting_for"] == ["message"]
    assert (await view(people, second))["state"] == "queued"
    await people.post(first, AddMessage(text="This one."))
    await people.work()
    assert (await view(people, first))["state"] == "completed"
    assert (await view(people, second))["waiting_for"] == ["message"]


async def test_who_interrupts_stops_the_task_before_although_nobody_works_on_it(
    store: Store, conversation: str
) -> None:
    people = People(store, Stage(PlayedModel(QUESTION, QUESTION)))
    first = await people.submit(conversation_id=conversation)
    await people.work()
    waiting = await submit(people, conversation, "enqueue")
    urgent = await submit(people, conversation, "interrupt")
    assert (await view(people, first))["state"] == "stopped"
    await people.work()
    assert (await view(people, urgent))["waiting_for"] == ["message"]
    assert len(await people.log(waiting)) == 1


async def test_the_next_task_reads_what_came_before_in_these_words(
    store: Store, conversation: str
) -> None:
    model = PlayedModel(
        say("I ask.", call("ask_user", question="Which tax?")),
        finish("There is a cart.\nIts tests pass."),
        finish("There is a till."),
        finish("Both are tested."),
    )
    people = People(store, Stage(model))
    first = await people.submit("Add a cart", conversation)
    await people.work()
    await people.post(first, AddMessage(text="Seven per cent."))
    await people.work()
    for goal in ("Add a till", "Test <both> & report"):
        await people.submit(goal, conversation)
        await people.work()
    beginning = [message.text for message in model.requests[-1].messages[1:3]]
    assert_golden("earlier", "\n---\n".join(beginning))

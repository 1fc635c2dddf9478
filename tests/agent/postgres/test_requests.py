"""Submissions and commands: accepted once, whatever arrives twice."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from steersman.core.commands import AddMessage, StopTask
from steersman.core.errors import (
    CommandConflict,
    ConversationBusy,
    Invalid,
    NotFound,
    TaskEnded,
    TaskNotFound,
)
from steersman.core.ids import OwnerId, TaskId
from tests.agent.postgres.making import (
    ME,
    ROLES,
    Store,
    claimed,
    ending,
    message,
    opened,
    stop,
    submission,
    submitted,
)

SOMEBODY = OwnerId("somebody")


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_a_submission_is_answered_and_its_event_stands_in_the_log(store: Store) -> None:
    made = submission()
    answer = await store.tasks.submit(made)
    assert answer == {
        "task_id": made.first.task_id,
        "conversation_id": made.conversation_id,
        "seq": 1,
        "state": "queued",
    }
    assert await store.tasks.events(made.first.task_id, 0, 10) == (made.first,)


async def test_a_repeated_submission_gets_the_first_answer(store: Store) -> None:
    first = await store.tasks.submit(submission(command_id="key"))
    again = await store.tasks.submit(submission(command_id="key"))
    assert again == first


async def test_submissions_at_once_under_one_id_make_one_task(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.tasks.submit(submission(command_id="key")) for _ in range(4))
    )
    assert all(answer == answers[0] for answer in answers)


async def test_an_id_that_stands_for_another_request_is_refused(store: Store) -> None:
    await store.tasks.submit(submission(command_id="key", goal="one"))
    with pytest.raises(CommandConflict):
        await store.tasks.submit(submission(command_id="key", goal="two"))
    await store.tasks.submit(submission(command_id="key", goal="two", owner_id=SOMEBODY))


async def test_a_conversation_of_somebody_else_is_not_found(store: Store) -> None:
    mine = submission()
    await store.tasks.submit(mine)
    with pytest.raises(NotFound):
        await store.tasks.submit(
            submission(owner_id=SOMEBODY, conversation_id=mine.conversation_id)
        )


async def test_a_busy_conversation_enqueues_rejects_or_interrupts(store: Store) -> None:
    active = await claimed(store)
    [first] = await store.tasks.events(active.task_id, 0, 1)
    conversation_id = first.to_wire()["conversation_id"]
    with pytest.raises(ConversationBusy):
        await store.tasks.submit(submission(conversation_id=conversation_id, on_busy="reject"))
    await store.tasks.submit(submission(conversation_id=conversation_id))
    assert await store.journal().inbox(active.task_id, 0) == ()
    await store.tasks.submit(submission(conversation_id=conversation_id, on_busy="interrupt"))
    [entry] = await store.journal().inbox(active.task_id, 0)
    assert isinstance(entry.command, StopTask)
    assert (entry.n, entry.author) == (1, ME)


async def test_a_command_on_a_queued_task_does_not_start_it(store: Store) -> None:
    made = submission()
    await store.tasks.submit(made)
    queued = await submitted(store, conversation_id=made.conversation_id)
    await store.tasks.post(message(queued))
    await store.alive("worker-1", seconds=60)
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    assert claim.task_id == made.first.task_id
    assert await store.journal().claim_for_command(queued) is not None


async def test_a_command_goes_into_the_inbox_once(store: Store) -> None:
    task_id = await submitted(store)
    first = await store.tasks.post(message(task_id, command_id="key"))
    again = await store.tasks.post(message(task_id, command_id="key"))
    assert first.answer == again.answer == {"command_id": "key", "state": "queued"}
    await store.tasks.post(message(task_id, text="more"))
    entries = await store.journal().inbox(task_id, 0)
    assert [(entry.n, entry.command) for entry in entries] == [
        (1, AddMessage(text="hello")),
        (2, AddMessage(text="more")),
    ]
    assert await store.journal().inbox(task_id, 1) == entries[1:]
    with pytest.raises(CommandConflict):
        await store.tasks.post(message(task_id, text="other", command_id="key"))


async def test_commands_at_once_are_numbered_without_a_gap(store: Store) -> None:
    task_id = await submitted(store)
    await asyncio.gather(*(store.tasks.post(message(task_id)) for _ in range(10)))
    entries = await store.journal().inbox(task_id, 0)
    assert [entry.n for entry in entries] == list(range(1, 11))


async def test_after_the_end_a_stop_changes_nothing_and_a_message_is_refused(store: Store) -> None:
    claim = await claimed(store)
    await store.journal().commit(ending(claim))
    posted = await store.tasks.post(stop(claim.task_id, command_id="key"))
    assert posted.answer == {"command_id": "key", "state": "stopped"}
    with pytest.raises(TaskEnded):
        await store.tasks.post(message(claim.task_id))
    assert await store.journal().inbox(claim.task_id, 0) == ()


@pytest.mark.parametrize("task_id", ["nonsense", "01890000-0000-7000-8000-000000000000"])
async def test_what_is_no_task_of_mine_is_not_found(store: Store, task_id: str) -> None:
    with pytest.raises(TaskNotFound):
        await store.tasks.view(TaskId(task_id), ME)
    with pytest.raises(TaskNotFound):
        await store.tasks.post(message(TaskId(task_id)))
    with pytest.raises(TaskNotFound):
        await store.tasks.workspace_of(TaskId(task_id))


async def test_another_owner_neither_sees_nor_commands_a_task(store: Store) -> None:
    task_id = await submitted(store)
    with pytest.raises(TaskNotFound):
        await store.tasks.view(task_id, SOMEBODY)
    with pytest.raises(TaskNotFound):
        await store.tasks.post(replace(stop(task_id), owner_id=SOMEBODY))


async def test_a_conversation_id_that_is_no_uuid_is_invalid(store: Store) -> None:
    with pytest.raises(Invalid):
        await store.tasks.submit(submission(conversation_id="chat"))

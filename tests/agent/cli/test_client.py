"""Finding a task by the end of its id."""

import pytest

from steersman.cli.client import find_task
from steersman.cli.conversations import find_conversation
from steersman.core.errors import Invalid, NotFound, TaskNotFound
from tests.agent.cli.samples import TASK_ID, PlayedClient

IDS = ("aaaa-1111", "bbbb-2222", "cccc-1111", "dddd-3333", str(TASK_ID))


@pytest.mark.parametrize(
    ("text", "found"), [("2222", "bbbb-2222"), ("C-1111", "cccc-1111"), ("456789ab", TASK_ID)]
)
async def test_a_unique_end_is_enough(text: str, found: str) -> None:
    assert await find_task(PlayedClient(ids=IDS), text) == found


async def test_a_whole_id_is_not_looked_for() -> None:
    assert await find_task(PlayedClient(), str(TASK_ID)) == TASK_ID


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("1111", Invalid, "'1111' is the end of 2 tasks; give more of the id"),
        ("333", Invalid, "'333': give the whole task id, or at least its last 4 characters"),
        ("9999", TaskNotFound, "No task ends in '9999'; `steersman tasks` lists them"),
    ],
)
async def test_what_is_not_one_task_is_told(text: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        await find_task(PlayedClient(ids=IDS), text)
    assert str(caught.value) == message


async def test_a_conversation_is_found_by_its_end() -> None:
    client = PlayedClient(ids=IDS)
    assert await find_conversation(client, "2222") == "bbbb-2222"
    assert await find_conversation(PlayedClient(), str(TASK_ID)) == str(TASK_ID)
    for text, kind in (("1111", Invalid), ("333", Invalid), ("9999", NotFound)):
        with pytest.raises(kind):
            await find_conversation(client, text)

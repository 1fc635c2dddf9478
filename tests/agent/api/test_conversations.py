"""Conversations and the deletion of tasks over HTTP."""

import httpx
import pytest

from steersman.api.dependencies import ApiDependencies
from steersman.api.examples import CONVERSATION
from steersman.core.conversations import ConversationFilter
from steersman.core.ids import LOCAL_OWNER, TaskId
from tests.agent.api.driving import assert_problem
from tests.agent.api.fakes import InMemoryTasks
from tests.agent.api.played_conversations import PlayedConversations
from tests.agent.api.test_tasks import CLAIMED, DONE, UNKNOWN

HERS = f"/conversations/{CONVERSATION['conversation_id']}"


async def test_conversations_are_listed_by_pages(
    client: httpx.AsyncClient, api: ApiDependencies
) -> None:
    plain = await client.get("/conversations")
    await client.get("/conversations", params={"archived": True, "limit": 2, "cursor": "more"})
    assert plain.json() == {"items": [CONVERSATION], "next_cursor": "more"}
    assert isinstance(api.conversations, PlayedConversations)
    assert api.conversations.asked == [
        ConversationFilter(LOCAL_OWNER),
        ConversationFilter(LOCAL_OWNER, archived=True, limit=2, cursor="more"),
    ]


@pytest.mark.parametrize(
    "body", [{"title": "Tills"}, {"archived": True}, {"title": "Tills", "archived": False}]
)
async def test_a_conversation_is_named_and_put_away(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    answer = await client.patch(HERS.upper().replace("CONVERSATIONS", "conversations"), json=body)
    assert (answer.status_code, answer.json()) == (200, {**CONVERSATION, **body})


@pytest.mark.parametrize(
    "body",
    [{}, {"title": None}, {"title": " "}, {"title": "x" * 201}, {"archived": "yes"}, {"name": "x"}],
)
async def test_a_change_that_is_none_is_refused(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    assert_problem(await client.patch(HERS, json=body), 422, "invalid")


@pytest.mark.parametrize("conversation_id", [UNKNOWN, "nonsense"])
async def test_only_a_conversation_that_is_there_is_changed(
    client: httpx.AsyncClient, conversation_id: str
) -> None:
    answer = await client.patch(f"/conversations/{conversation_id}", json={"title": "x"})
    assert_problem(answer, 404, "not_found")


async def test_a_task_that_has_ended_is_deleted_once(
    client: httpx.AsyncClient, task_id: str, tasks: InMemoryTasks
) -> None:
    early = await client.delete(f"/tasks/{task_id}")
    await tasks.play(TaskId(task_id), CLAIMED, DONE)
    gone = await client.delete(f"/tasks/{task_id}")
    again = await client.delete(f"/tasks/{task_id}")
    assert "Stop it" in assert_problem(early, 409, "task_running")["detail"]
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(again, 404, "task_not_found")
    assert_problem(await client.get(f"/tasks/{task_id}"), 404, "task_not_found")

"""The list of conversations: names, order, owners, speed."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from steersman.adapters.postgres.conversations import PostgresConversations
from steersman.core.clock import new_id
from steersman.core.conversations import ConversationFilter
from steersman.core.errors import Invalid, NotFound
from steersman.core.events import TaskCompleted
from steersman.core.ids import ConversationId, OwnerId, TaskId
from steersman.core.ports import Claim
from tests.agent.postgres.making import (
    CLOCK,
    ME,
    ROLES,
    Store,
    decision,
    opened,
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


async def test_conversations_are_listed_by_their_last_activity(
    store: Store, conversations: PostgresConversations
) -> None:
    ids = [new_id(CLOCK) for _ in range(3)]
    for n, each in enumerate(ids):
        await submitted(store, conversation_id=each, goal=f"Goal {n} of\nmany " + "x" * 200)
    await submitted(store, conversation_id=ids[0], goal="Once more")
    page = await conversations.list(ConversationFilter(ME, limit=2))
    rest = await conversations.list(ConversationFilter(ME, limit=2, cursor=page.next_cursor))
    items = (*page.items, *rest.items)
    assert [item["conversation_id"] for item in items] == [ids[0], ids[2], ids[1]]
    assert (items[0]["task_count"], rest.next_cursor) == (2, None)
    assert items[0]["title"].startswith("Goal 0 of many xxx")
    assert len(items[0]["title"]) == 80
    assert items[0]["active_task_id"] is not None
    assert (await conversations.list(ConversationFilter(SOMEBODY))).items == ()


async def test_a_conversation_gets_a_name_and_is_put_away_until_it_is_used_again(
    store: Store, conversations: PostgresConversations, conversation: str
) -> None:
    await submitted(store, conversation_id=conversation)
    whose = ConversationId(conversation)
    changed = await conversations.change(whose, ME, title="The shop", archived=True)
    assert (changed["title"], changed["archived"]) == ("The shop", True)
    assert (await conversations.list(ConversationFilter(ME))).items == ()
    assert (await conversations.list(ConversationFilter(ME, archived=True))).items == (changed,)
    await submitted(store, conversation_id=conversation)
    [back] = (await conversations.list(ConversationFilter(ME))).items
    assert (back["title"], back["archived"]) == ("The shop", False)


@pytest.mark.parametrize("whose", ["nonsense", "01890000-0000-7000-8000-000000000000"])
async def test_only_a_conversation_of_mine_can_be_changed(
    store: Store, conversations: PostgresConversations, conversation: str, whose: str
) -> None:
    await submitted(store, conversation_id=conversation)
    with pytest.raises(NotFound):
        await conversations.change(ConversationId(conversation), SOMEBODY, title="mine")
    with pytest.raises(NotFound):
        await conversations.change(ConversationId(whose), ME, title="mine")


@pytest.mark.parametrize("cursor", ["", "nonsense", "AAAA", "_" * 32])
async def test_a_cursor_that_is_none_of_ours_is_invalid(
    conversations: PostgresConversations, cursor: str
) -> None:
    query = ConversationFilter(ME, cursor=cursor or "=")
    with pytest.raises(Invalid):
        await conversations.list(query)


@pytest.mark.slow
async def test_a_page_of_ten_thousand_conversations_is_read_from_the_index(
    store: Store, conversations: PostgresConversations
) -> None:
    await store.pool.fetch(
        "INSERT INTO conversations (id, owner_id, title, updated_at)"
        " SELECT gen_random_uuid(), 'me', 'n', now() - n * interval '1 minute'"
        " FROM generate_series(1, 10000) AS n"
    )
    await store.pool.fetch("ANALYZE conversations")
    page = await conversations.list(ConversationFilter(ME))
    [row] = await store.pool.fetch(
        "EXPLAIN (FORMAT JSON) SELECT * FROM conversations WHERE owner_id = 'me' AND NOT archived"
        " ORDER BY updated_at DESC, id DESC LIMIT 51"
    )
    assert "conversations_by_activity" in row[0]
    assert "Sort" not in row[0]
    assert len(page.items) == 50

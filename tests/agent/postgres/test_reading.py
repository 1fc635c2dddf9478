"""Listings and workspaces."""

from collections.abc import AsyncGenerator

import pytest

from steersman.core.errors import Invalid, WorkspaceBusy
from steersman.core.ids import ConversationId, OwnerId
from steersman.core.ports import TaskFilter
from tests.agent.postgres.making import ME, ROLES, Store, ending, opened, submission, submitted


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


async def test_a_listing_goes_from_page_to_page_newest_first(store: Store) -> None:
    tasks = [await submitted(store) for _ in range(5)]
    found, cursor = list[str](), None
    while True:
        page = await store.tasks.list(TaskFilter(ME, limit=2, cursor=cursor))
        found += [item["task_id"] for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == sorted(tasks, reverse=True)
    assert (await store.tasks.list(TaskFilter(OwnerId("somebody")))).items == ()


async def test_a_listing_is_narrowed_by_state_and_conversation(store: Store) -> None:
    made = submission()
    await store.tasks.submit(made)
    await submitted(store)
    await store.alive("worker-1", seconds=60)
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    await store.journal().commit(ending(claim))
    stopped = await store.tasks.list(TaskFilter(ME, states=("stopped",)))
    of_one = await store.tasks.list(TaskFilter(ME, conversation_id=made.conversation_id))
    neither = TaskFilter(ME, states=("queued",), conversation_id=made.conversation_id)
    assert [item["task_id"] for item in stopped.items] == [claim.task_id]
    assert [item["task_id"] for item in of_one.items] == [made.first.task_id]
    assert (await store.tasks.list(neither)).items == ()


@pytest.mark.parametrize("cursor", ["x", "ä", "AAAA"])
async def test_a_cursor_that_is_not_ours_is_invalid(store: Store, cursor: str) -> None:
    with pytest.raises(Invalid):
        await store.tasks.list(TaskFilter(ME, cursor=cursor))
    with pytest.raises(Invalid):
        await store.tasks.list(TaskFilter(ME, conversation_id=ConversationId(cursor)))


async def test_the_log_is_read_in_pages(store: Store) -> None:
    task_id = await submitted(store)
    assert len(await store.tasks.events(task_id, 0, 1)) == 1
    assert await store.tasks.events(task_id, 1, 10) == ()


async def test_a_directory_is_a_workspace_of_this_host(store: Store) -> None:
    task_id = await submitted(store, workspace="shop", workspace_path="/srv/shop")
    ref = await store.tasks.workspace_of(task_id)
    assert (ref.owner_id, ref.name, ref.path) == (ME, "shop", "/srv/shop")
    assert await store.journal("worker-2", host_id="another").claim(ROLES) is None
    with pytest.raises(Invalid):
        await submitted(store, workspace="shop", workspace_path="/srv/other")


async def test_a_workspace_is_kept_free_of_tasks_for_a_moment(store: Store) -> None:
    async with store.tasks.exclusive_workspace(ME, "shop") as ref:
        await submitted(store, workspace="shop")
        assert await store.journal().claim(ROLES) is None
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    assert claim.workspace is not None
    assert claim.workspace.workspace_id == ref.workspace_id


async def test_a_workspace_in_which_a_task_works_is_busy(store: Store) -> None:
    await submitted(store, workspace="shop")
    claim = await store.journal().claim(ROLES)
    assert claim is not None
    with pytest.raises(WorkspaceBusy):
        async with store.tasks.exclusive_workspace(ME, "shop"):
            pass
    await store.journal().commit(ending(claim))
    async with store.tasks.exclusive_workspace(ME, "shop") as ref:
        assert ref.fence == 1

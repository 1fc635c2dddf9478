"""The tree below a task over REST."""

import httpx
import pytest

from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId
from steersman.core.trees import nested
from tests.agent.api.driving import assert_problem
from tests.agent.api.fakes import InMemoryTasks

UNKNOWN = "019a5c3e-7a10-7c3b-9f21-5d0c4b8e6f01"


class InMemoryTree(InMemoryTasks):
    """Every task stands alone."""

    async def tree(self, task_id: TaskId, owner_id: OwnerId) -> JsonObject:
        return nested([await self.view(task_id, owner_id)])


@pytest.fixture
def tasks() -> InMemoryTasks:
    return InMemoryTree()


async def test_a_task_is_the_root_of_its_tree(client: httpx.AsyncClient) -> None:
    task_id = (await client.post("/tasks", json={"goal": "Make it work"})).json()["task_id"]
    tree = (await client.get(f"/tasks/{task_id}/tree")).json()
    assert tree == {"task": (await client.get(f"/tasks/{task_id}")).json(), "children": []}


async def test_there_is_no_tree_of_a_task_that_is_not_there(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get(f"/tasks/{UNKNOWN}/tree"), 404, "task_not_found")


def test_each_child_stands_below_its_parent() -> None:
    views = [
        {"task_id": "root", "parent_id": None},
        {"task_id": "one", "parent_id": "root"},
        {"task_id": "two", "parent_id": "root"},
        {"task_id": "below", "parent_id": "one"},
    ]
    tree = nested(views)
    assert [node["task"]["task_id"] for node in tree["children"]] == ["one", "two"]
    assert tree["children"][0]["children"] == [{"task": views[3], "children": []}]

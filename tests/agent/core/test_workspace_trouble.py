"""Workspaces that cannot be opened: what the task is told, and when it is given up."""

import errno
import os

import pytest

from steersman.core.errors import WorkspaceLost
from steersman.core.events import TaskFailed
from steersman.core.ids import TaskId
from steersman.core.ports import WorkspaceRef
from steersman.core.runtime import OpenWorkspace
from tests.agent.core.playground import Playground, types
from tests.agent.core.playing import AnyWorkspace, PlayedModel, Stage, call, say


class BrokenWorkspaces(AnyWorkspace):
    """A disk that has no room for a directory."""

    async def open(self, task_id: TaskId, ref: WorkspaceRef) -> OpenWorkspace:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def stage() -> Stage:
    return Stage(PlayedModel(say("I look.", call("look"))), workspaces=BrokenWorkspaces())


async def test_a_workspace_that_cannot_be_opened_is_tried_again(ground: Playground) -> None:
    with pytest.raises(WorkspaceLost, match="No space left"):
        await ground.work(stage())
    assert types(await ground.log())[-1] == "thought_recorded"


async def test_a_workspace_that_never_opens_is_lost_and_not_called_poison(
    ground: Playground,
) -> None:
    claim = await ground.claim()
    with pytest.raises(WorkspaceLost):
        await ground.run(stage(), claim).work()
    for _ in range(4):
        await ground.journal.release(claim, failed=True)
        claim = await ground.claim()
    await ground.run(stage(), claim).work()
    last = (await ground.log())[-1].event
    assert last == TaskFailed(
        code="workspace_lost",
        message="The workspace cannot be opened: No space left on device.",
    )

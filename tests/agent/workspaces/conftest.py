"""Workspaces over a real store and real folders, with the sandbox off."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from steersman.api.ports import Check, Content
from steersman.app.places import Places
from steersman.app.sandboxes import Sandbox
from steersman.app.workspaces import HomeWorkspaces
from steersman.core.ids import TaskId
from steersman.core.ports import Claim
from steersman.settings import Settings
from tests.agent.api.conftest import api, process, tasks, workspaces
from tests.agent.postgres.making import ME, ROLES, Store, opened, submission

__all__ = ["api", "process", "tasks", "workspaces"]
"""Fixtures of the API's tests that those over HTTP build on."""

NO_COMMANDS = Sandbox(None, Check(status="ok"))


@dataclass(frozen=True, slots=True)
class Host:
    """A process of a host: its store, its folders, its workspaces."""

    settings: Settings
    store: Store
    workspaces: HomeWorkspaces

    @property
    def places(self) -> Places:
        return Places.of(self.settings)

    async def submit(self, workspace: str = "shop", path: str | None = None) -> TaskId:
        made = submission(workspace=workspace, workspace_path=path)
        answer = await self.store.tasks.submit(made)
        return TaskId(answer["task_id"])

    async def claim(self) -> Claim:
        await self.store.alive("worker-1", seconds=60)
        claim = await self.store.journal().claim(ROLES)
        assert claim is not None
        return claim

    async def begin(self, path: str | None = None) -> TaskId:
        """Submit a task in `shop`, claim it and open its workspace."""
        await self.submit(path=path)
        claim = await self.claim()
        assert claim.workspace is not None
        await self.workspaces.open(claim.task_id, claim.workspace)
        return claim.task_id

    @property
    def shop(self) -> Path:
        return self.settings.workspaces / ME / "shop"


async def read(content: Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks])


@pytest.fixture
async def host(database_url: str, tmp_path: Path) -> AsyncGenerator[Host]:
    settings = Settings(home=tmp_path / "home")
    async with opened(database_url) as store:
        yield Host(settings, store, HomeWorkspaces(settings, store.tasks, NO_COMMANDS))

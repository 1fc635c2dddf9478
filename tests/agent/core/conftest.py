"""Fixtures of the tests of the loop."""

from collections.abc import AsyncGenerator

import pytest

from tests.agent.core.playground import Playground
from tests.agent.postgres.making import opened, submission


@pytest.fixture
async def ground(database_url: str) -> AsyncGenerator[Playground]:
    """A task that has just been submitted to a database of the test's own."""
    async with opened(database_url) as store:
        made = submission()
        await store.tasks.submit(made)
        yield Playground(store, made.first.task_id, store.journal())

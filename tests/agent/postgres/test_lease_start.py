"""The start of a lease, when it does not come about."""

from datetime import timedelta

import asyncpg
import pytest

from steersman.adapters.postgres.lease import WorkerLease
from steersman.core.errors import StoreUnavailable
from steersman.core.ids import WorkerId
from tests.agent.postgres.making import HOST, ROLES, opened

ME = WorkerId("worker-1")
LIVES = "SELECT lease_until > now() FROM workers WHERE id = $1"


def lease(dsn: str) -> WorkerLease:
    return WorkerLease(dsn, ME, HOST, roles=ROLES, lease=timedelta(seconds=1.5))


async def test_a_start_that_was_given_up_does_not_end_the_lease_of_the_next(
    database_url: str,
) -> None:
    given_up = lease(database_url)
    blocker = await asyncpg.connect(database_url)
    async with opened(database_url) as store:
        await store.alive(ME, seconds=60)  # the next one, whose name is the same
        async with blocker.transaction():
            await blocker.execute("SELECT FROM workers FOR UPDATE")
            with pytest.raises(StoreUnavailable):
                await given_up.start()
        await given_up.end()
        assert await blocker.fetchval(LIVES, ME)
    await blocker.close()


async def test_a_lease_does_not_start_without_a_database() -> None:
    with pytest.raises(StoreUnavailable):
        await lease("postgresql://postgres@127.0.0.1:1/nothing").start()

"""A person's numbers, in one statement: they are of one moment."""

from datetime import datetime
from pathlib import Path

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.core.ids import OwnerId
from steersman.core.overview import SPENDING_EVENTS, Numbers

_SQL = load_queries(Path(__file__).with_suffix(".sql"))


class PostgresNumbers:
    """The port NumberStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def numbers(self, owner_id: OwnerId, since: datetime) -> Numbers:
        """Count what goes on, and what was used from `since` on."""
        row = await self._pool.fetchrow(_SQL["numbers"], owner_id, since, list(SPENDING_EVENTS))
        assert row is not None, "an aggregate has a row"
        return Numbers(**dict(row))

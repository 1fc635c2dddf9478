"""What a process sees to from time to time, for as long as it lives."""

import asyncio
import logging
from datetime import timedelta

from steersman.adapters.postgres.partitions import ensure_partitions
from steersman.adapters.postgres.pool import PostgresPool
from steersman.core.errors import StoreUnavailable

_log = logging.getLogger(__name__)

_EVERY = timedelta(hours=6)


async def keep_partitions(pool: PostgresPool, *, every: timedelta = _EVERY) -> None:
    """Make the log's partitions of the months to come, until cancelled.

    A start makes them for three months; a process that is up for longer must not come to their end.
    """
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            await pool.run(ensure_partitions)
        except StoreUnavailable:
            _log.warning("partitions_not_made", extra={"action": "partitions"})

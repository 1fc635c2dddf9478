"""The log's partitions: one per month of task ids, which begin with their time (UUIDv7)."""

from datetime import UTC, datetime
from uuid import UUID

from steersman.adapters.postgres.pool import Connection

MONTHS_AHEAD = 3
_ONE_AT_A_TIME = 0x57EE_25BB
_PAST = "events_past"
_EXISTS = "SELECT to_regclass($1) IS NOT NULL"
_NEWEST = r"""
SELECT max(relname) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = 'events'::regclass AND relname ~ '^events_\d{4}_\d{2}$'
"""
# The triggers of rows come with being a partition; those of statements do not.
_NO_TRUNCATE = """
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_edit_the_log()
"""


async def ensure_partitions(connection: Connection) -> None:
    """Make the partitions from last month to MONTHS_AHEAD. Call it at start and every day."""
    now = await connection.fetchval("SELECT now()")
    months = [month_after(now, offset) for offset in range(-1, MONTHS_AHEAD + 1)]
    missing = [month for month in months if await _is_missing(connection, _name(month))]
    if not missing:
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        if await _is_missing(connection, _PAST):
            await _attach(connection, _PAST, "MINVALUE", _bound(months[0]))
        for month in missing:
            if await _is_missing(connection, _name(month)):
                end = _bound(month_after(month, 1))
                await _attach(connection, _name(month), _bound(month), end)


async def last_month(connection: Connection) -> datetime | None:
    """Return the first moment of the newest month whose tasks have a place; None without any."""
    name: str | None = await connection.fetchval(_NEWEST)
    return datetime.strptime(name, "events_%Y_%m").replace(tzinfo=UTC) if name else None


def month_after(at: datetime, months: int) -> datetime:
    """Return the first moment of the month that is `months` after the one of `at`."""
    years, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return datetime(years, month + 1, 1, tzinfo=UTC)


def lowest_id(at: datetime) -> UUID:
    """Return what sorts before every UUIDv7 that is made at `at` or later."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _name(month: datetime) -> str:
    return f"events_{month:%Y_%m}"


def _bound(month: datetime) -> str:
    return f"'{lowest_id(month)}'"


async def _is_missing(connection: Connection, table: str) -> bool:
    return not await connection.fetchval(_EXISTS, table)


async def _attach(connection: Connection, table: str, start: str, end: str) -> None:
    # Made aside and attached: creating it in place would lock every writer of the log out.
    await connection.execute(f"CREATE TABLE {table} (LIKE events INCLUDING ALL)")
    await connection.execute(_NO_TRUNCATE.format(table=table))
    await connection.execute(
        f"ALTER TABLE events ATTACH PARTITION {table} FOR VALUES FROM ({start}) TO ({end})"
    )

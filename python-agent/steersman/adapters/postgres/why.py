"""What a claim of one task would look at, for somebody who asks why nobody takes it."""

from pathlib import Path
from uuid import UUID

from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.queries import load_queries
from steersman.adapters.postgres.rows import task_uuid
from steersman.core.errors import TaskNotFound
from steersman.core.ids import TaskId
from steersman.core.unclaimed import ClaimFacts

_SQL = load_queries(Path(__file__).with_suffix(".sql"))


async def claim_facts(pool: PostgresPool, task_id: TaskId) -> ClaimFacts:
    """Read them in one statement, so at one moment. Raises TaskNotFound."""
    row = await pool.fetchrow(_SQL["why"], task_uuid(task_id))
    if row is None:
        raise TaskNotFound
    return ClaimFacts(
        task_id=TaskId(str(row["id"])),
        state=row["state"],
        is_final=row["final"],
        waiting_for=row["waiting_for"],
        role=row["role"],
        now=row["now"],
        due_at=row["due_at"],
        worker_id=row["worker_id"],
        lease_until=row["lease_until"],
        active_task=_task_id(row["active_task"]),
        root_id=TaskId(str(row["root_id"])),
        workspace_holder=_task_id(row["holder_task_id"]),
        host_id=row["host_id"],
        contract_version=row["contract_version"],
        players=row["players"],
        readers=row["readers"],
        neighbours=row["neighbours"],
    )


def _task_id(value: UUID | None) -> TaskId | None:
    return None if value is None else TaskId(str(value))

"""What the API is given of this process, and how this process is."""

import asyncio

from steersman.adapters.postgres.overview import PostgresNumbers
from steersman.api.dependencies import ApiDependencies
from steersman.api.ports import ActiveTask, Check, HealthReport, Occupancy, Status
from steersman.app.checks import check_cache, check_database, check_link, check_partitions
from steersman.app.wiring import App
from steersman.core.clock import SystemClock
from steersman.core.overview import Overviews
from steersman.core.worker import Worker

_WORST_FIRST: tuple[Status, ...] = ("unavailable", "degraded", "ok")


def dependencies_of(app: App, worker: Worker) -> ApiDependencies:
    """Wire the API to an app and its worker."""
    token = app.settings.api_token

    async def health() -> HealthReport:
        return await _health(app, worker)

    return ApiDependencies(
        tasks=app.tasks,
        approvals=app.approvals,
        conversations=app.conversations,
        removals=app.removals,
        overviews=Overviews(PostgresNumbers(app.pool), SystemClock()),
        team=app.parts.team,
        tools=app.parts.tools,
        default_role=app.settings.default_role,
        default_model=app.parts.model.names[0] if app.parts.model.names else "",
        health=health,
        occupancy=lambda: Occupancy(worker.concurrency, _active(worker)),
        workspaces=app.workspaces,
        api_token=token.get_secret_value() if token else None,
        identify=app.gateway.identify,
    )


def is_busy(worker: Worker) -> bool:
    """Say whether it works on as many tasks as it can."""
    return len(worker.active) >= worker.concurrency


async def _health(app: App, worker: Worker) -> HealthReport:
    database, partitions, cache = await asyncio.gather(
        check_database(app.pool), check_partitions(app.pool), check_cache(app.cache)
    )
    checks = {
        "database": database,
        "partitions": partitions,
        "redis": cache,
        "sandbox": app.sandbox.check,
        "gateway": check_link(app.settings, app.gateway.link),
    }
    active = _active(worker)
    return HealthReport(
        status=_worst(checks),
        agent_status="BUSY" if is_busy(worker) else "IDLE",
        active_task=active[0] if active else None,
        active_tasks=active,
        roles=worker.roles,
        capacity=worker.concurrency,
        checks=checks,
    )


def _worst(checks: dict[str, Check]) -> Status:
    found = {check.status for check in checks.values()}
    return next(status for status in _WORST_FIRST if status in found)


def _active(worker: Worker) -> tuple[ActiveTask, ...]:
    return tuple(ActiveTask(task_id=run.task_id, goal=run.goal) for run in worker.active)

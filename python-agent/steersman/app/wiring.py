"""Put an agent together from its settings, and take it apart in the right order.

Nothing here decides anything about a task. What is opened first is closed last: the work ends
before the lease, the lease before the database goes.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from steersman.adapters.failpoints import VARIABLE, ArmedFailpoint, parse_failpoint
from steersman.adapters.postgres.approvals import PostgresApprovalStore
from steersman.adapters.postgres.conversations import PostgresConversations
from steersman.adapters.postgres.journal import PostgresJournal
from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.tasks import PostgresTaskStore
from steersman.adapters.prompts import JinjaPrompts, load_team
from steersman.app.hosts import host_id_of
from steersman.app.known_gateway import KnownGateway, known_gateway
from steersman.app.models import ChosenModel, choose_model
from steersman.app.places import make_private
from steersman.app.retention import removals_of
from steersman.app.sandboxes import UNTRIED, Sandbox, choose_sandbox
from steersman.app.stores import open_cache, open_database, open_live
from steersman.app.work import Working, migrated, working
from steersman.app.workspaces import HomeWorkspaces
from steersman.core.approval_desk import Approvals
from steersman.core.approvals import require_known_tools
from steersman.core.clock import SystemClock, new_id
from steersman.core.conversations import Conversations
from steersman.core.deltas import DeltaFeed
from steersman.core.errors import ConfigurationError
from steersman.core.ids import TaskId, WorkerId
from steersman.core.ports import Hints, ViewCache
from steersman.core.retention import Removals
from steersman.core.roles import Team
from steersman.core.runtime import (
    Failpoints,
    LoopPolicy,
    NoFailpoints,
    NoTelemetry,
    Recording,
    Runtime,
    Telemetry,
)
from steersman.core.tasks import Defaults, Tasks
from steersman.core.tool import Tool
from steersman.core.worker import Worker
from steersman.settings import Settings
from steersman.tools import load_tools

_SPARE_CONNECTIONS = 6
"""Beside one for each worker: for requests and watchers."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is made without the outside world: the team, its tools, its prompts, the model."""

    settings: Settings
    tools: Mapping[str, Tool]
    team: Team
    prompts: JinjaPrompts
    model: ChosenModel
    worker_id: WorkerId
    host_id: str
    telemetry: Telemetry
    failpoints: Failpoints

    @property
    def roles(self) -> tuple[str, ...]:
        """Name the roles that this process plays."""
        return self.settings.roles or tuple(self.team.roles)

    @property
    def policy(self) -> LoopPolicy:
        """Return what the settings leave to the deployment."""
        return LoopPolicy(
            models=self.model.names,
            context_tokens=self.model.context_tokens,
            max_output_tokens=self.settings.model_max_output_tokens,
            approvals=self.settings.approvals,
            approval_ttl=self.settings.approval_ttl,
        )


@dataclass(frozen=True, slots=True)
class App:
    """An agent that is put together; it works on tasks only inside `work`."""

    parts: Parts
    pool: PostgresPool
    runtime: Runtime
    tasks: Tasks
    approvals: Approvals
    conversations: Conversations
    removals: Removals
    workspaces: HomeWorkspaces
    sandbox: Sandbox
    cache: ViewCache
    gateway: KnownGateway

    @property
    def settings(self) -> Settings:
        """Return what it was put together from."""
        return self.parts.settings

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what a person should know before anything runs, one line each."""
        return tuple(note for note in (self.parts.model.note, self.sandbox.note) if note)

    def work(self, tree: TaskId | None = None) -> AbstractAsyncContextManager[Working]:
        """Work on the tasks of this process's roles while the context is open.

        `tree`: only on this root task and what comes of it.
        """
        assert self.sandbox is not UNTRIED, "it was opened only to read and to send"
        settings, roles = self.settings, self.parts.roles
        worker = Worker(self.runtime, roles, concurrency=settings.concurrency, tree=tree)
        return working(worker, self.pool, self.parts.host_id, settings=settings)


def prepare(settings: Settings, telemetry: Telemetry | None = None) -> Parts:
    """Read the team and the prompts and choose the model.

    Raises ConfigurationError before anything is started.
    """
    tools = load_tools()
    team = load_team(settings.prompts, tools)
    unknown = sorted({*settings.roles, settings.default_role} - team.roles.keys())
    if unknown:
        known = ", ".join(sorted(team.roles))
        raise ConfigurationError(f"There is no role {unknown[0]!r}; roles.toml has: {known}")
    require_known_tools(settings.approvals, tools)
    make_private(settings)
    return Parts(
        settings=settings,
        tools=tools,
        team=team,
        prompts=JinjaPrompts(settings.prompts),
        model=choose_model(settings, team),
        worker_id=WorkerId(new_id(SystemClock())),
        host_id=host_id_of(settings.home),
        telemetry=telemetry or NoTelemetry(),
        failpoints=_failpoints(os.environ.get(VARIABLE)),
    )


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    telemetry: Telemetry | None = None,
    patient: bool = False,
    works: bool = True,
) -> AsyncGenerator[App]:
    """Put an agent together. Its tables are up to date, but for a `patient` one.

    A patient one may be opened while its database is down. One that does not work only reads and
    sends: what only work needs is neither tried nor loaded. Raises ConfigurationError and
    StoreUnavailable.
    """
    parts = prepare(settings, telemetry)
    if works and not patient:
        parts.model.warm_up()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.model.close)
        dsn, sandbox = await _opened(settings, stack, works=works)
        if not patient:
            await migrated(dsn)
        pool = await PostgresPool.open(dsn, size=settings.concurrency + _SPARE_CONNECTIONS)
        stack.push_async_callback(pool.close)
        hints, deltas = await open_live(settings, dsn, stack)
        stores = _Stores(pool, open_cache(settings, stack), hints, deltas)
        yield _assemble(parts, stores, sandbox)


async def _opened(settings: Settings, stack: AsyncExitStack, *, works: bool) -> tuple[str, Sandbox]:
    """Open the database and try the sandbox, together: each takes a while, a start is waited for.

    What fails first ends the other, and is waited for: neither outlives this, half done.
    """
    try:
        async with asyncio.TaskGroup() as group:
            database = group.create_task(open_database(settings, stack))
            trying = group.create_task(choose_sandbox(settings)) if works else None
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return database.result(), UNTRIED if trying is None else trying.result()


@dataclass(frozen=True, slots=True)
class _Stores:
    pool: PostgresPool
    cache: ViewCache
    hints: Hints
    deltas: DeltaFeed


def _assemble(parts: Parts, stores: _Stores, sandbox: Sandbox) -> App:
    pool, cache, hints = stores.pool, stores.cache, stores.hints
    store = PostgresTaskStore(pool, parts.host_id, hints=hints)
    workspaces = HomeWorkspaces(parts.settings, store, sandbox)
    runtime = _runtime(parts, stores, workspaces)
    tasks = Tasks(
        store,
        runtime.recording,
        team=parts.team,
        defaults=Defaults(parts.settings.default_role),
        deltas=runtime.deltas,
    )
    return App(
        parts=parts,
        pool=pool,
        runtime=runtime,
        tasks=tasks,
        approvals=Approvals(PostgresApprovalStore(pool), tasks, parts.tools),
        conversations=PostgresConversations(pool),
        removals=removals_of(parts.settings, pool, cache, hints),
        workspaces=workspaces,
        sandbox=sandbox,
        cache=cache,
        gateway=known_gateway(parts.settings.gateway_url),
    )


def _runtime(parts: Parts, stores: _Stores, workspaces: HomeWorkspaces) -> Runtime:
    cache, hints, failpoints = stores.cache, stores.hints, parts.failpoints
    journal = PostgresJournal(
        stores.pool, parts.worker_id, parts.host_id, hints=hints, failpoints=failpoints
    )
    return Runtime(
        recording=Recording(journal, cache, hints, SystemClock(), parts.telemetry, failpoints),
        model=parts.model.model,
        prompts=parts.prompts,
        team=parts.team,
        tools=parts.tools,
        workspaces=workspaces,
        deltas=stores.deltas,
        worker_id=parts.worker_id,
        policy=parts.policy,
    )


def _failpoints(armed: str | None) -> Failpoints:
    return ArmedFailpoint(parse_failpoint(armed)) if armed else NoFailpoints()

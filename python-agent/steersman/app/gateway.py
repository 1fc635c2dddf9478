"""The gateway, as far as this process knows it: whose tokens it signs, and the bridge to it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

from steersman import __version__
from steersman.adapters.postgres.owner_views import PostgresOwnerViews
from steersman.adapters.postgres.rows import CONTRACT_VERSION
from steersman.api.auth import is_loopback
from steersman.api.dependencies import ApiDependencies
from steersman.api.executing import execute_for, failure, place_of
from steersman.app.dependencies import dependencies_of, is_busy
from steersman.app.known_gateway import Identify
from steersman.app.wiring import App
from steersman.bridge.hub_token import exchange_key
from steersman.bridge.link import HubLink
from steersman.bridge.messages import AgentHello, AgentPulse
from steersman.bridge.ports import AgentSide
from steersman.bridge.session import BridgeSession
from steersman.core.errors import SteersmanError
from steersman.core.events import JsonObject
from steersman.core.worker import Worker

HUB = "/hubs/agent"
_ANY = frozenset({"0.0.0.0", "::"})


@asynccontextmanager
async def bridging(app: App, worker: Worker, url: str) -> AsyncGenerator[None]:
    """Keep the bridge to the gateway up while the block runs. `url` is our own address."""
    link = _link(app, worker, url)
    # No TaskGroup: it would wrap every error of the caller's block into a group.
    running = asyncio.create_task(link.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _link(app: App, worker: Worker, url: str) -> HubLink:
    settings, identify = app.settings, app.gateway.identify
    assert settings.gateway_url is not None
    assert settings.agent_key is not None
    assert identify is not None
    gateway_url = settings.gateway_url.rstrip("/")
    agent = agent_side(app, worker, identify, url=shown_url(url, gateway_url))
    return HubLink(
        gateway_url + HUB,
        partial(exchange_key, gateway_url, settings.agent_key),
        partial(BridgeSession, agent),
        state=app.gateway.link,
    )


def shown_url(url: str, gateway_url: str) -> str | None:
    """Return the address to which the gateway may forward people's requests, tokens included.

    One of this machine only means us to a gateway on this machine.
    """
    ours, theirs = _host(url), _host(gateway_url)
    if ours in _ANY or (is_loopback(ours) and not is_loopback(theirs)):
        return None
    return url


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def agent_side(
    app: App, worker: Worker, identify: Identify, *, url: str | None = None
) -> AgentSide:
    """Wire the bridge to an app and its worker."""
    return AgentSide(
        hello=AgentHello(
            worker_id=worker.worker_id,
            version=__version__,
            contract_version=CONTRACT_VERSION,
            roles=worker.roles,
            capacity=worker.concurrency,
            url=url,
        ),
        tasks=app.tasks,
        owner_views=PostgresOwnerViews(app.pool),
        hints=app.runtime.recording.hints,
        identify=identify,
        execute=partial(_execute, dependencies_of(app, worker), identify),
        pulse=partial(_pulse, worker),
        active_changed=worker.active_changed,
    )


async def _execute(
    api: ApiDependencies, identify: Identify, command: JsonObject, token: str
) -> JsonObject:
    try:
        owner_id = await identify(token)
    except SteersmanError as error:
        return failure(error, place_of(command))
    return await execute_for(command, api, owner_id)


def _pulse(worker: Worker) -> AgentPulse:
    return AgentPulse(
        agent_status="BUSY" if is_busy(worker) else "IDLE",
        capacity=worker.concurrency,
        active_tasks=tuple(run.task_id for run in worker.active),
    )

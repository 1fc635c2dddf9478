"""Look at the outside: database, Redis, model, sandbox, git; for each what mends it."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from steersman.adapters.postgres.partitions import last_month, month_after
from steersman.adapters.postgres.pool import PostgresPool
from steersman.api.ports import Check
from steersman.app.models import DEMO_MODEL, choose_model
from steersman.app.sandboxes import choose_sandbox
from steersman.app.stores import open_cache, open_database
from steersman.bridge.state import LinkState
from steersman.core.errors import ConfigurationError, StoreUnavailable
from steersman.core.model import CallFailed, ModelRequest, Reply, UserMessage
from steersman.core.ports import ViewCache
from steersman.core.roles import Team
from steersman.settings import Settings

Examination = Callable[[], Awaitable[Check]]

_NO_GATEWAY = "not used; STEERSMAN_GATEWAY_URL and STEERSMAN_AGENT_KEY would set it"
_PATIENCE = timedelta(seconds=1)
_MODEL_SECONDS = 60
_WORDS = 16


def doctor_checks(settings: Settings, team: Callable[[], Team]) -> Mapping[str, Examination]:
    """Name what `steersman doctor` looks at, in the order in which it is shown."""
    return {
        "database": partial(_examine_database, settings),
        "redis": partial(_examine_cache, settings),
        "sandbox": partial(_examine_sandbox, settings),
        "git": check_git,
        "gateway": partial(_examine_gateway, settings),
        "model": lambda: _examine_model(settings, team()),
    }


async def check_database(pool: PostgresPool) -> Check:
    """Ask the database something."""
    try:
        version = await pool.run(
            lambda connection: connection.fetchval("SHOW server_version"), patience=_PATIENCE
        )
    except StoreUnavailable:
        detail = "it does not answer; start it, or check STEERSMAN_DATABASE_URL"
        return Check(status="unavailable", detail=detail)
    except ConfigurationError as error:
        return Check(status="unavailable", detail=f"{error}; check STEERSMAN_DATABASE_URL")
    return Check(status="ok", detail=f"PostgreSQL {str(version).split()[0]}")


async def check_partitions(pool: PostgresPool) -> Check:
    """See for how long the log has a place for new tasks."""
    try:
        last = await pool.run(last_month, patience=_PATIENCE)
        now = await pool.run(lambda connection: connection.fetchval("SELECT now()"))
    except (StoreUnavailable, ConfigurationError):
        return Check(status="degraded", detail="the database does not answer")
    until = f"partitions until the end of {last:%Y-%m}" if last else "there are none"
    if last is None or last < month_after(now, 1):
        mend = "new tasks will be refused after that; see the log for action=partitions"
        return Check(status="degraded", detail=f"{until}; {mend}")
    return Check(status="ok", detail=until)


async def check_cache(cache: ViewCache) -> Check:
    """Ask Redis something, if it is used."""
    ping = getattr(cache, "ping", None)
    if ping is None:
        return Check(status="ok", detail="not used; STEERSMAN_REDIS_URL would set it")
    if await ping():
        return Check(status="ok")
    detail = "it does not answer, so reads are slower; check STEERSMAN_REDIS_URL"
    return Check(status="degraded", detail=detail)


async def check_git() -> Check:
    """See whether there is git, of which diffs are made."""
    if found := shutil.which("git"):
        return Check(status="ok", detail=found)
    detail = "it is missing, so there are no diffs and no clones; apt-get install git"
    return Check(status="degraded", detail=detail)


def check_link(settings: Settings, link: LinkState) -> Check:
    """Say how the link to the gateway is. Without it the agent works on, unseen."""
    if settings.gateway_url is None:
        return Check(status="ok", detail=_NO_GATEWAY)
    if link.up:
        return Check(status="ok", detail=settings.gateway_url)
    why = link.failure or "not connected yet"
    return Check(status="degraded", detail=f"{settings.gateway_url}: {why}")


async def _examine_gateway(settings: Settings) -> Check:
    """Exchange the key, and look at the keys that tokens are verified with."""
    if settings.gateway_url is None or settings.agent_key is None:
        return Check(status="ok", detail=_NO_GATEWAY)
    from steersman.app.gateway_check import greet_gateway  # noqa: PLC0415 - two vendors, seldom used

    return await greet_gateway(settings.gateway_url, settings.agent_key)


async def _examine_database(settings: Settings) -> Check:
    async with AsyncExitStack() as stack:
        dsn = await open_database(settings, stack)
        pool = await PostgresPool.open(dsn, size=1)
        stack.push_async_callback(pool.close)
        found = await check_database(pool)
    if settings.database_url is not None or found.status != "ok":
        return found
    return Check(status="ok", detail=f"{found.detail}, embedded, in {settings.home / 'postgres'}")


async def _examine_cache(settings: Settings) -> Check:
    async with AsyncExitStack() as stack:
        return await check_cache(open_cache(settings, stack))


async def _examine_sandbox(settings: Settings) -> Check:
    return (await choose_sandbox(settings)).check


async def _examine_model(settings: Settings, team: Team) -> Check:
    """Ask the model for a word; there is no other way to know that a key is good."""
    chosen = choose_model(settings, team)
    name = chosen.names[0] if chosen.names else ""
    if name in (DEMO_MODEL, ""):
        return Check(status="degraded", detail=chosen.note or "STEERSMAN_MODEL names none")
    request = ModelRequest(name, (UserMessage("Reply with the word: ready"),), (), _WORDS)
    try:
        async with asyncio.timeout(_MODEL_SECONDS):
            async for item in chosen.model.stream(request, asyncio.Event()):
                if isinstance(item, CallFailed) and item.code != "output_limit":
                    detail = f"{name}: {item.code}: {item.message}"
                    return Check(status="unavailable", detail=detail)
                if isinstance(item, Reply):
                    break
    except TimeoutError:
        detail = f"{name}: silent for {_MODEL_SECONDS} seconds; check STEERSMAN_MODEL_BASE_URL"
        return Check(status="unavailable", detail=detail)
    finally:
        await chosen.close()
    return Check(status="ok", detail=f"{name} answers")

"""What there is to start here, by the settings, the checkout, and what is installed."""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from pydantic import SecretStr

from steersman.app.up.connection_strings import npgsql, stack_exchange
from steersman.app.up.program import Program
from steersman.settings import Settings, variable

_CHECKOUT = Path(__file__).resolve().parents[4]
_GATEWAY = _CHECKOUT / "ApiGateway"
GATEWAY_DATABASE = "gatewaydb"
_AGENT_NAME = "up"
_STORE_NAMES = ("ConnectionStrings__gatewaydb", "ConnectionStrings__redis")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start beside the database. `notes` say what is left out, and why."""

    redis: Program | None
    build: tuple[str, ...] | None
    gateway: Program | None
    agent: Program
    url: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan stands on: the agents' database, a folder for what is not kept, the port that
    people come to, the variables of this process.
    """

    dsn: str
    folder: Path
    port: int
    environment: Mapping[str, str]


def make_plan(settings: Settings, ground: Ground) -> Plan:
    """Plan for this machine."""
    port, environment = ground.port, ground.environment
    redis, redis_url, notes = _redis(settings, ground.folder)
    why_none = _why_no_gateway(settings)
    if why_none is not None:
        agent = _agent(settings, settings.host, port, {"redis_url": redis_url})
        url = _http(settings.host, port)
        return Plan(redis, None, None, agent, url, (*notes, why_none))
    front = _http("127.0.0.1", port)
    key = settings.agent_key or _own_key(settings.home)
    given = {name: environment[name] for name in _STORE_NAMES if name in environment}
    gateway = _gateway(front, key, {**_stores(ground.dsn, redis_url), **given})
    to_gateway = {
        "redis_url": redis_url,
        "gateway_url": front,
        "agent_key": key.get_secret_value(),
    }
    agent = replace(
        _agent(settings, settings.host, settings.port, to_gateway),
        # People reach it through the gateway only.
        ready_url=gateway.ready_url,
        is_ready=_reaches_an_agent,
    )
    return Plan(redis, _BUILD, gateway, agent, front, notes)


_BUILD = ("dotnet", "build", str(_GATEWAY), "--configuration", "Release", "--nologo", "-v", "quiet")


def _gateway(url: str, key: SecretStr, stores: Mapping[str, str]) -> Program:
    return Program(
        "gateway",
        ("dotnet", str(_GATEWAY / "bin/Release/net10.0/Steersman.ApiGateway.dll")),
        {
            "ASPNETCORE_URLS": url,
            "ASPNETCORE_CONTENTROOT": str(_GATEWAY),
            "Logging__Console__FormatterName": "json",
            f"Gateway__AgentKeys__{_AGENT_NAME}": key.get_secret_value(),
            **stores,
        },
        f"{url}/health/ready",
    )


def _agent(settings: Settings, host: str, port: int, given: Mapping[str, str | None]) -> Program:
    ours = {"host": host, "port": str(port), "log_format": "json", **given}
    return Program(
        "agent",
        (sys.executable, "-m", "steersman", "serve"),
        {variable(name): value for name, value in ours.items() if value is not None},
        f"{_http(host, port)}/health/ready",
        grace_seconds=settings.grace_seconds + 10,
    )


def _http(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reaches_an_agent(health: httpx.Response) -> bool:
    return health.is_success and health.json()["checks"]["agents"]["status"] == "ok"


def _redis(settings: Settings, folder: Path) -> tuple[Program | None, str | None, tuple[str, ...]]:
    if settings.redis_url is not None:
        return None, settings.redis_url.get_secret_value(), ()
    program = shutil.which("redis-server")
    if program is None:
        return None, None, ("left out: Redis, which makes reads faster (redis-server is not here)",)
    socket = folder / "redis.sock"
    # Nothing of it is kept: it holds copies, and what it loses is read from PostgreSQL again.
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "loglevel": "warning",
        "maxmemory": "256mb",
        "maxmemory-policy": "allkeys-lru",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    return Program("redis", (program, *arguments)), f"unix://{socket}", ()


def _stores(dsn: str, redis_url: str | None) -> dict[str, str]:
    values = (npgsql(dsn, GATEWAY_DATABASE), redis_url and stack_exchange(redis_url))
    return {name: value for name, value in zip(_STORE_NAMES, values, strict=True) if value}


def _why_no_gateway(settings: Settings) -> str | None:
    if settings.gateway_url is not None:
        return f"left out: the gateway ({variable('gateway_url')} names another)"
    if not _GATEWAY.is_dir():
        return "left out: the gateway (it is not part of the Python package; see the repository)"
    if shutil.which("dotnet") is None:
        return "left out: the gateway (dotnet is not installed); the agent answers by itself"
    return None


def _own_key(home: Path) -> SecretStr:
    """Return the key between agent and gateway of this home, made at the first start."""
    path = home / "agent.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Made aside, so that a key which is there is whole; mkstemp lets nobody else read it.
        handle, made = tempfile.mkstemp(dir=home, prefix="agent.key.")
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            os.link(made, path)
        Path(made).unlink()
    return SecretStr(path.read_text())

"""A whole agent that trusts a gateway, in this process, on a database of its own."""

import json
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from steersman.api.dependencies import ApiDependencies
from steersman.app.dependencies import dependencies_of
from steersman.app.wiring import App, open_app
from steersman.settings import configure
from tests.agent.bridge.signing import Signer, jwks
from tests.agent.support.small_http import answering

COMMAND = "echo one >> effects.log"


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory whose path is short enough for the sockets in it."""
    directory = Path(tempfile.mkdtemp(prefix="steersman-bridge-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that works, what its API is made of, and the key of its gateway."""

    app: App
    api: ApiDependencies
    signer: Signer


def cassette(home: Path) -> Path:
    """Write down a model that wants to run one command, and then is done."""
    command = {"tool": "execute_terminal_command", "arguments": {"command": COMMAND}}
    done = {"tool": "finish_task", "arguments": {"result": "Done."}}
    replies = [
        {"text": "Now.", "calls": [command], "expect": ["(?s).*"]},
        {"text": "Done.", "calls": [done], "expect": ["(?s).*"]},
    ]
    path = home / "cassette.json"
    path.write_text(json.dumps({"goal": "ask", "replies": replies}))
    return path


@asynccontextmanager
async def working_agent(home: Path, database_url: str, gateway_url: str) -> AsyncGenerator[App]:
    """Open an agent whose commands wait for a person."""
    given = {
        "HOME": str(home),
        "DATABASE_URL": database_url,
        "MODEL": f"scripted/{cassette(home)}",
        "APPROVALS": "execute_terminal_command=always",
        "SANDBOX": "none",
        "GRACE_SECONDS": "0",
        "GATEWAY_URL": gateway_url,
        "AGENT_KEY": "a-key",
    }
    settings = configure({f"STEERSMAN_{k}": v for k, v in given.items()}, {}).settings
    async with open_app(settings) as app:
        yield app


@pytest.fixture
async def agent(home: Path, database_url: str) -> AsyncGenerator[Agent]:
    signer = Signer()
    published = {"/.well-known/jwks.json": (200, jwks(signer))}
    async with (
        answering(published) as gateway_url,
        working_agent(home, database_url, gateway_url) as app,
        app.work() as work,
    ):
        yield Agent(app, dependencies_of(app, work.worker), signer)

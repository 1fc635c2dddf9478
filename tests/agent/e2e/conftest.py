"""A home for each test, and servers on a database of their own."""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.agent.e2e.processes import ROOT, Serving, environment, serving

SHOP = ROOT / "examples" / "shop"


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory whose path is short enough for the sockets in it."""
    directory = Path(tempfile.mkdtemp(prefix="steersman-e2e-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def env(home: Path, database_url: str) -> dict[str, str]:
    """The settings of a process with a home and a database of the test's own."""
    return environment(home, database_url=database_url)


@pytest.fixture
def agent(env: dict[str, str]) -> Iterator[Serving]:
    """A server with the demo model."""
    with serving(env) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(SHOP, tmp_path / "shop", ignore=_caches))


_caches = shutil.ignore_patterns("__pycache__")


def put_workspace(url: str, name: str, directory: Path) -> None:
    """Send a directory as a workspace."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(directory, arcname=".")
    answer = httpx.put(f"{url}/workspaces/{name}", content=archive.getvalue(), timeout=30)
    assert answer.status_code == 201, answer.text

"""Fixtures that need a real server."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from steersman.adapters.postgres.embedded import EmbeddedPostgres
from tests.agent.support.database import cloned_database, test_server
from tests.agent.support.lent_databases import LentDatabases

# What is imported stays: collections that look at it again and again are a fifth of a run's time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests on the loop that `steersman serve` runs on: it is not asyncio's in every detail."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The server of this test session. Tests that stop it start one of their own."""
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    with test_server(run_id) as server:
        yield server


@pytest.fixture(scope="session")
def lent_databases(postgres_server: EmbeddedPostgres) -> Iterator[LentDatabases]:
    databases = LentDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture
def new_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database in which nobody has ever written."""
    with cloned_database(postgres_server) as dsn:
        yield dsn


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest,
    postgres_server: EmbeddedPostgres,
    lent_databases: LentDatabases,
) -> Iterator[str]:
    """A database of the test's own, with all tables and nothing in them."""
    # Processes of slow tests may go on to write, and their plans and times are those of new tables.
    is_slow = request.node.get_closest_marker("slow") is not None
    with cloned_database(postgres_server) if is_slow else lent_databases.lend() as dsn:
        yield dsn

"""Fixtures that need a real server."""

import os
from collections.abc import Iterator

import pytest

from steersman.adapters.postgres.embedded import EmbeddedPostgres
from tests.agent.support.database import cloned_database, test_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The server of this test session. Tests that stop it start one of their own."""
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    with test_server(run_id) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database of the test's own, with all tables and nothing in them."""
    with cloned_database(postgres_server) as dsn:
        yield dsn

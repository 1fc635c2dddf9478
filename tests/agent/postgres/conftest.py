"""Fixtures of the tests that start and stop servers."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where a server of the test's own may be made.

    Not in pytest's folder: as root the server runs as another user, who must get there.
    """
    home = Path(tempfile.mkdtemp(prefix="steersman-embedded-"))
    yield home / "postgres"
    shutil.rmtree(home, ignore_errors=True)

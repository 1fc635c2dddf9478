"""A workspace for each test, once confined by bubblewrap and once not."""

from pathlib import Path

import pytest

from steersman.adapters.sandbox.confinement import find_bubblewrap
from tests.agent.sandbox.running import Place


def _require_bubblewrap() -> None:
    if find_bubblewrap() is None:
        pytest.skip("bubblewrap is not installed")


@pytest.fixture
def sandbox(tmp_path: Path) -> Place:
    """A workspace whose commands run in bubblewrap."""
    _require_bubblewrap()
    return Place(tmp_path, "bwrap")


@pytest.fixture(params=["bwrap", pytest.param("none", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A workspace whose commands run in bubblewrap, and one where they run without it."""
    if request.param == "bwrap":
        _require_bubblewrap()
    return Place(tmp_path, request.param)

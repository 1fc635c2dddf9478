"""A minute of chaos, so that no change lands that cannot stand it."""

import subprocess
import sys

import pytest

SECONDS, SEED = "60", "20261125"


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_a_minute_of_chaos_breaks_no_invariant() -> None:
    command = [sys.executable, "-m", "tests.chaos.run", SECONDS, SEED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=450, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every invariant holds" in done.stdout

"""A minute of chaos, so that no change lands that cannot stand it."""

import pytest

from tests.chaos.run import play

SEED = 20_261_125


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_minute_of_chaos_breaks_no_invariant() -> None:
    wrong, lines = await play(60.0, SEED)
    assert wrong == [], "\n".join(lines)
    print("\n".join(lines))

"""The overview over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime

from steersman.api.dependencies import ApiDependencies
from steersman.api.examples import OVERVIEW
from steersman.api.overview import Overview
from steersman.core.ids import LOCAL_OWNER
from steersman.core.overview import Overviews
from tests.agent.api.driving import client_of
from tests.agent.api.played_numbers import PlayedNumbers


class Morning:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, 30, 1, 5000, tzinfo=UTC)


async def test_the_overview_counts_what_goes_on_and_what_was_spent_since_midnight(
    api: ApiDependencies,
) -> None:
    numbers = PlayedNumbers()
    played = replace(api, overviews=Overviews(numbers, Morning()))
    async with client_of(played) as client:
        answer = await client.get("/overview")
    assert (answer.status_code, answer.json()) == (200, OVERVIEW)
    assert numbers.asked == [(LOCAL_OWNER, datetime(2026, 1, 5, tzinfo=UTC))]


def test_the_example_has_the_shape_of_the_document() -> None:
    assert Overview.model_validate(OVERVIEW).model_dump(mode="json") == OVERVIEW

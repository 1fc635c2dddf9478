"""How it stands, in one call."""

from fastapi.responses import JSONResponse

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import OVERVIEW
from steersman.api.openapi import answer, problems, routes
from steersman.api.ports import WireModel
from steersman.core.errors import StoreUnavailable
from steersman.core.events import Timestamp

router = routes(tags=["overview"])


class OverviewTasks(WireModel):
    """How many tasks go on, by state."""

    queued: int
    running: int
    waiting: int


class OverviewSpent(WireModel):
    """What models have used from `since` on, of the tasks that are still there."""

    since: Timestamp
    input_tokens: int
    output_tokens: int
    cost_usd: float


class Overview(WireModel):
    """What a person has going, in numbers. A day is one of UTC."""

    tasks: OverviewTasks
    pending_approvals: int
    spent_today: OverviewSpent


@router.get(
    "/overview",
    responses={200: answer("Your numbers.", Overview, OVERVIEW), **problems(StoreUnavailable)},
)
async def overview(api: Api, owner: Owner) -> JSONResponse:
    """Count your tasks that go on, the approvals that wait for you, and what today has cost."""
    return JSONResponse(await api.overviews.of(owner))

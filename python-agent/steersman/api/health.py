"""Is it alive, may it get work, how is it.

Live and ready are for those who start and route; they need no token and tell nothing. `/health`
has the details, and needs the token where one is set.
"""

from fastapi.responses import JSONResponse

from steersman.api.dependencies import Api
from steersman.api.examples import HEALTH
from steersman.api.openapi import answer, problems, routes
from steersman.api.ports import HealthReport
from steersman.api.problems import NotReady
from steersman.api.schemas import Alive

router = routes(prefix="/health", tags=["health"])

_ALIVE = Alive().model_dump()


@router.get(
    "",
    responses={
        200: answer("It works, perhaps not with everything.", HealthReport, HEALTH),
        503: answer(
            "It cannot work.",
            HealthReport,
            {
                **HEALTH,
                "status": "unavailable",
                "checks": {
                    "database": {"status": "unavailable", "detail": "No answer: is it running?"}
                },
            },
        ),
    },
)
async def health(api: Api) -> JSONResponse:
    """Tell what works, what does not and why, and which tasks are being worked on."""
    report = await api.health()
    status = 503 if report.status == "unavailable" else 200
    return JSONResponse(report.model_dump(mode="json"), status)


@router.get("/live", responses={200: answer("It answers.", Alive, _ALIVE)})
async def live() -> JSONResponse:
    """Answer, which is all that this asks."""
    return JSONResponse(_ALIVE)


@router.get(
    "/ready", responses={200: answer("It takes work.", Alive, _ALIVE), **problems(NotReady)}
)
async def ready(api: Api) -> JSONResponse:
    """Say whether requests may be sent here now."""
    if api.closing.is_set():
        raise NotReady("The agent is ending.")
    if (await api.health()).status == "unavailable":
        raise NotReady
    return JSONResponse(_ALIVE)

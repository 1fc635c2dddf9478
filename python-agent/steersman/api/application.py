"""The API put together: gate, limits, routes, problems, document."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from steersman.api import (
    approvals,
    chat,
    conversations,
    events,
    health,
    overview,
    tasks,
    team,
    workspaces,
)
from steersman.api.admission import Admission
from steersman.api.auth import Gate
from steersman.api.body_limit import BodyLimit
from steersman.api.dependencies import MEGABYTE, ApiDependencies
from steersman.api.git_body import is_json
from steersman.api.openapi import install_openapi
from steersman.api.problems import (
    MethodNotAllowed,
    describe,
    install_problem_handlers,
    problem_response,
)

JSON_BODY_LIMIT = MEGABYTE

_ROUTERS = (
    tasks.router,
    approvals.router,
    conversations.router,
    events.router,
    workspaces.router,
    team.router,
    overview.router,
    health.router,
    chat.router,
)


def create_api(dependencies: ApiDependencies) -> FastAPI:
    """Make the ASGI application."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.dependencies = dependencies
    app.state.admission = Admission(dependencies.occupancy)
    for router in _ROUTERS:
        # As they are: `include_router` analyses each of them once more, at its first request.
        app.router.routes.extend(router.routes)
    install_problem_handlers(app)
    app.add_exception_handler(405, _on_other_method)
    install_openapi(app)

    def limit(scope: Scope) -> int:
        return dependencies.max_upload_bytes if _is_upload(scope) else JSON_BODY_LIMIT

    # The last one added is the first one asked.
    app.add_middleware(BodyLimit, limit=limit)
    app.add_middleware(Gate, api_token=dependencies.api_token, identify=dependencies.identify)
    return app


async def _on_other_method(request: Request, _error: Exception) -> JSONResponse:
    # Starlette names the methods of the first route with that path only.
    known = {
        method
        for router in _ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.path_regex.fullmatch(request.scope["path"])
        for method in route.methods or ()
    }
    headers = {"Allow": ", ".join(sorted(known or {"GET"}))}
    return problem_response(describe(MethodNotAllowed()), headers)


def _is_upload(scope: Scope) -> bool:
    if scope["method"] != "PUT" or not scope["path"].startswith("/workspaces/"):
        return False
    return not is_json(Headers(scope=scope))

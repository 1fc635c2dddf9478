"""What the API is made of, and how a route gets at its part."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from steersman.api.auth import OWNER, Identify
from steersman.api.ports import HealthReport, Occupancy, StreamTiming, Workspaces
from steersman.core.approval_desk import Approvals
from steersman.core.conversations import Conversations
from steersman.core.errors import Unauthorized
from steersman.core.ids import OwnerId
from steersman.core.overview import Overviews
from steersman.core.retention import Removals
from steersman.core.roles import Team
from steersman.core.tasks import Tasks
from steersman.core.tool import Tool

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """Everything that `app.py` hands to the API.

    `default_model` is what a role without a model of its own uses. `occupancy` is asked for each
    goal of a plain-text client and must not wait. `identify` verifies a
    gateway's tokens. Without it and `api_token` only this machine may ask.
    `closing` is set when the server begins to end, so that streams end too.
    """

    tasks: Tasks
    approvals: Approvals
    conversations: Conversations
    removals: Removals
    overviews: Overviews
    team: Team
    tools: Mapping[str, Tool]
    default_role: str
    default_model: str
    health: Callable[[], Awaitable[HealthReport]]
    occupancy: Callable[[], Occupancy]
    workspaces: Workspaces
    api_token: str | None = None
    identify: Identify | None = None
    timing: StreamTiming = field(default_factory=StreamTiming)
    max_upload_bytes: int = 256 * MEGABYTE
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def api_dependencies(connection: HTTPConnection) -> ApiDependencies:
    """Return what `create_api` was given."""
    return cast(ApiDependencies, connection.app.state.dependencies)


def owner_of(connection: HTTPConnection) -> OwnerId:
    """Return on whose behalf the caller acts, as the gate has found out."""
    owner: OwnerId | None = connection.scope[OWNER]
    if owner is None:
        raise Unauthorized
    return owner


Api = Annotated[ApiDependencies, Depends(api_dependencies)]
Owner = Annotated[OwnerId, Depends(owner_of)]

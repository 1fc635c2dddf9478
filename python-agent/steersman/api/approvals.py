"""Approvals over REST: what waits for a person, and the decision."""

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import Field

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import APPROVAL, APPROVAL_RULED
from steersman.api.openapi import answer, problems, routes
from steersman.api.requests import (
    ApprovalBody,
    ApprovalInPath,
    CleanText,
    IdempotencyKey,
    RequestBody,
    UuidText,
)
from steersman.api.schemas import Approval, ApprovalPage, ApprovalRuled
from steersman.core.approval_desk import ApprovalFilter
from steersman.core.errors import (
    ApprovalChanged,
    ApprovalDecided,
    ApprovalNotFound,
    CommandConflict,
    Invalid,
    Malformed,
    StoreUnavailable,
    TaskEnded,
    TooLarge,
)
from steersman.core.ids import TaskId

router = routes(tags=["approvals"])


class ApprovalQuery(RequestBody):
    """Which approvals to list."""

    state: list[Literal["pending", "approved", "rejected", "expired", "withdrawn"]] = Field(
        default=[], max_length=5
    )
    root_id: UuidText | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: CleanText | None = Field(default=None, max_length=200)


@router.get(
    "/approvals",
    responses={
        200: answer("One page.", ApprovalPage, {"items": [APPROVAL], "next_cursor": None}),
        **problems(Invalid, StoreUnavailable),
    },
)
async def list_approvals(
    query: Annotated[ApprovalQuery, Query()], api: Api, owner: Owner
) -> JSONResponse:
    """List approvals of your tasks, newest first. `root_id` takes in a task's descendants."""
    page = await api.approvals.list(
        ApprovalFilter(
            owner_id=owner,
            states=tuple(query.state),
            root_id=TaskId(query.root_id) if query.root_id else None,
            limit=query.limit,
            cursor=query.cursor,
        )
    )
    return JSONResponse({"items": list(page.items), "next_cursor": page.next_cursor})


@router.get(
    "/approvals/{approval_id}",
    responses={
        200: answer("The approval.", Approval, APPROVAL),
        **problems(ApprovalNotFound, StoreUnavailable),
    },
)
async def get_approval(approval_id: ApprovalInPath, api: Api, owner: Owner) -> JSONResponse:
    """Read an approval, decided or not: who decided what, and when."""
    return JSONResponse(await api.approvals.get(approval_id, owner))


@router.post(
    "/approvals/{approval_id}",
    responses={
        200: answer("The decision is taken.", ApprovalRuled, APPROVAL_RULED),
        **problems(
            Malformed, ApprovalNotFound, ApprovalDecided, ApprovalChanged, TaskEnded,
            CommandConflict, TooLarge, Invalid, StoreUnavailable,
        ),
    },
)  # fmt: skip
async def decide_approval(
    approval_id: ApprovalInPath,
    body: ApprovalBody,
    api: Api,
    owner: Owner,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Approve or refuse a call, once. What runs is exactly what is approved here."""
    wish = body.to_decision(approval_id)
    return JSONResponse(await api.approvals.decide(wish, owner, command_id=key))

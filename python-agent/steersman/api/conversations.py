"""Conversations over REST: the list, and what a person calls them or puts away."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import Field

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import CONVERSATION
from steersman.api.openapi import answer, problems, routes
from steersman.api.requests import CleanText, ConversationBody, ConversationInPath, RequestBody
from steersman.api.schemas import Conversation, ConversationPage
from steersman.core.conversations import ConversationFilter
from steersman.core.errors import Invalid, Malformed, NotFound, StoreUnavailable, TooLarge

router = routes(tags=["conversations"])


class ConversationQuery(RequestBody):
    """Which conversations to list: those in use, or those that were put away."""

    archived: bool = False
    limit: int = Field(default=50, ge=1, le=200)
    cursor: CleanText | None = Field(default=None, max_length=200)


@router.get(
    "/conversations",
    responses={
        200: answer("One page.", ConversationPage, {"items": [CONVERSATION], "next_cursor": None}),
        **problems(Invalid, StoreUnavailable),
    },
)
async def list_conversations(
    query: Annotated[ConversationQuery, Query()], api: Api, owner: Owner
) -> JSONResponse:
    """List your conversations, the one with the newest activity first."""
    page = await api.conversations.list(
        ConversationFilter(
            owner_id=owner, archived=query.archived, limit=query.limit, cursor=query.cursor
        )
    )
    return JSONResponse({"items": list(page.items), "next_cursor": page.next_cursor})


@router.patch(
    "/conversations/{conversation_id}",
    responses={
        200: answer("The conversation as it is now.", Conversation, CONVERSATION),
        **problems(Malformed, NotFound, TooLarge, Invalid, StoreUnavailable),
    },
)
async def change_conversation(
    conversation_id: ConversationInPath, body: ConversationBody, api: Api, owner: Owner
) -> JSONResponse:
    """Name a conversation, put it away or bring it back. A new task in it brings it back too."""
    changed = await api.conversations.change(
        conversation_id, owner, title=body.title, archived=body.archived
    )
    return JSONResponse(changed)

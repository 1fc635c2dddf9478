"""Conversations as people list, name and archive them."""

from dataclasses import dataclass
from typing import Protocol

from steersman.core.events import JsonObject
from steersman.core.ids import ConversationId, OwnerId
from steersman.core.ports import Page


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations to list, the one with the newest activity first."""

    owner_id: OwnerId
    archived: bool = False
    limit: int = 50
    cursor: str | None = None


class Conversations(Protocol):
    """The conversations of people. Somebody else's are not found. Raises StoreUnavailable."""

    async def list(self, query: ConversationFilter) -> Page: ...

    async def change(
        self,
        conversation_id: ConversationId,
        owner_id: OwnerId,
        *,
        title: str | None = None,
        archived: bool | None = None,
    ) -> JsonObject:
        """Set what is given, and return the conversation. Raises NotFound."""
        ...

"""What the bridge needs of the agent; `app/` provides it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from steersman.bridge.messages import AgentHello, AgentPulse
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId
from steersman.core.owner_views import OwnerViews
from steersman.core.ports import Hints
from steersman.core.tasks import Tasks


@dataclass(frozen=True, slots=True)
class AgentSide:
    """The agent as its gateway uses it.

    `identify` says whose a token is and raises Unauthorized or Unavailable. `execute` does what a
    command with a token asks, and answers as the WebSocket does, refusals included.
    `active_changed` is set when `pulse` has something new.
    """

    hello: AgentHello
    tasks: Tasks
    owner_views: OwnerViews
    hints: Hints
    identify: Callable[[str], Awaitable[OwnerId]]
    execute: Callable[[JsonObject, str], Awaitable[JsonObject]]
    pulse: Callable[[], AgentPulse]
    active_changed: asyncio.Event

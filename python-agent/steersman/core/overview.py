"""What a person has going, in numbers: tasks, approvals that wait, and what today has cost."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, get_args

from steersman.core.clock import Clock
from steersman.core.events import Event, JsonObject, format_time
from steersman.core.ids import OwnerId

SPENDING_EVENTS: tuple[str, ...] = tuple(
    each.model_fields["type"].default for each in get_args(Event) if "usage" in each.model_fields
)
"""The types of events that say what a call of a model used."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a store counts. The spending is that of the tasks that are still there."""

    queued: int
    running: int
    waiting: int
    pending_approvals: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class NumberStore(Protocol):
    """Count as of the last commit. Raises StoreUnavailable."""

    async def numbers(self, owner_id: OwnerId, since: datetime) -> Numbers:
        """Count what goes on, and what was used from `since` on."""
        ...


class Overviews:
    """All that can be asked of numbers. `owner_id` is always the asker."""

    def __init__(self, store: NumberStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, owner_id: OwnerId) -> JsonObject:
        """Return {tasks, pending_approvals, spent_today}; a day is one of UTC."""
        since = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        found = await self._store.numbers(owner_id, since)
        return {
            "tasks": {
                "queued": found.queued,
                "running": found.running,
                "waiting": found.waiting,
            },
            "pending_approvals": found.pending_approvals,
            "spent_today": {
                "since": format_time(since),
                "input_tokens": found.input_tokens,
                "output_tokens": found.output_tokens,
                "cost_usd": round(found.cost_usd, 9),
            },
        }

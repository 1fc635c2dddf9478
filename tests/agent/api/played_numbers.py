"""A stand-in for what a store counts."""

from datetime import datetime

from steersman.core.ids import OwnerId
from steersman.core.overview import Numbers, NumberStore


class PlayedNumbers(NumberStore):
    """The numbers of the API's examples."""

    def __init__(self) -> None:
        self.asked: list[tuple[OwnerId, datetime]] = []

    async def numbers(self, owner_id: OwnerId, since: datetime) -> Numbers:
        self.asked.append((owner_id, since))
        return Numbers(
            queued=1,
            running=2,
            waiting=1,
            pending_approvals=1,
            input_tokens=41000,
            output_tokens=5200,
            cost_usd=0.1 + 0.21,
        )

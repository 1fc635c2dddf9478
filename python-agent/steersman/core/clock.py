"""Time and new identifiers, injected so that tests decide both."""

import os
from datetime import UTC, datetime
from typing import Protocol

from steersman.core.ids import ENTROPY_BYTES, uuid7


class Clock(Protocol):
    """Tell the time, in UTC and whole milliseconds."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return whole_milliseconds(datetime.now(UTC))


def whole_milliseconds(at: datetime) -> datetime:
    """Cut to milliseconds, which is what the wire and the log hold."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def new_id(clock: Clock) -> str:
    """Make a fresh UUIDv7."""
    return uuid7(clock.now(), os.urandom(ENTROPY_BYTES))

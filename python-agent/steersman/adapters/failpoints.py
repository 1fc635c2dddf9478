"""Named places where a process can be made to fail, to prove that nothing depends on luck.

`STEERSMAN_FAILPOINT=name:n:kind`: the n-th time that `name` is reached, `kill` ends this process
as kill -9 does, `stop` freezes it as SIGSTOP does, `hang` lets the event loop stand still until
SIGCONT while the other threads go on, `raise` is a bug, and `lostack` is a connection that breaks
just after the server has done what it was asked.
"""

import os
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from steersman.core.errors import ConfigurationError
from steersman.core.runtime import FAILPOINTS

Kind = Literal["kill", "stop", "hang", "raise", "lostack"]
_KINDS = ("kill", "stop", "hang", "raise", "lostack")
VARIABLE = "STEERSMAN_FAILPOINT"
_THAW_SECONDS = 0.05


class FailpointReached(Exception):
    """The failpoint was told to raise."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Where, at which visit, and how to fail."""

    name: str
    visit: int
    kind: Kind


class ArmedFailpoint:
    """The port Failpoints with one of them armed."""

    def __init__(self, armed: Failpoint) -> None:
        self._armed = armed
        self._visits: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        """Fail here if it is the place and the visit."""
        self._visits[name] += 1
        if name != self._armed.name or self._visits[name] != self._armed.visit:
            return
        match self._armed.kind:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "hang":
                _hang()
            case "raise":
                raise FailpointReached(name)
            case "lostack":
                raise ConnectionResetError("a failpoint broke the connection")


def _hang() -> None:
    thawed = threading.Event()

    def thaw(number: int, frame: FrameType | None) -> None:
        thawed.set()

    signal.signal(signal.SIGCONT, thaw)
    while not thawed.wait(_THAW_SECONDS):
        # A signal that another thread receives wakes nobody here: its handler runs between waits.
        pass


def parse_failpoint(text: str) -> Failpoint:
    """Read `name:n:kind`; raises ConfigurationError that says what there is."""
    name, _, rest = text.partition(":")
    visit, _, kind = rest.partition(":")
    if name not in FAILPOINTS or not visit.isdigit() or int(visit) < 1 or kind not in _KINDS:
        raise ConfigurationError(
            f"{VARIABLE}={text}: expected name:n:kind with a name of {', '.join(FAILPOINTS)}"
            f" and a kind of {', '.join(_KINDS)}"
        )
    return Failpoint(name, int(visit), kind)

"""A commit in the making: its events, the state after them, what it brings to other tasks."""

from dataclasses import dataclass

from steersman.core.commands import report_id
from steersman.core.delegation import ChildPost, NewChild, report, stops
from steersman.core.events import ApprovalDecided, Envelope, StopRequested
from steersman.core.ports import Report
from steersman.core.state import TaskState


@dataclass(frozen=True, slots=True)
class Below:
    """What a commit brings to the tasks below this one."""

    children: tuple[NewChild, ...] = ()
    posts: tuple[ChildPost, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Events that are not committed yet, and the state after them."""

    state: TaskState
    envelopes: tuple[Envelope, ...] = ()
    below: Below = Below()

    def stops(self, new_id: str) -> tuple[ChildPost, ...]:
        """Stop the children when we end by ourselves; a person's stop reaches all at once."""
        events = (envelope.event for envelope in self.envelopes if not envelope.command_id)
        asked = next((event for event in events if isinstance(event, StopRequested)), None)
        return () if asked is None else stops(self.state.live_children, asked, new_id)

    def denies(self) -> bool:
        """Say whether an approval expires, which must not overtake a decision that was accepted."""
        events = (envelope.event for envelope in self.envelopes)
        return any(isinstance(e, ApprovalDecided) and e.decision == "expired" for e in events)


def report_of(state: TaskState) -> Report | None:
    """Say what an end puts into the inbox of the parent; None without an end or a parent."""
    said = report(state)
    if said is None or state.parent_id is None:
        return None
    return Report(state.parent_id, report_id(state.task_id), said, state.owner_id)

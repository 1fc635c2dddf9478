"""The end of a log in memory: no event twice, no hole."""

from steersman.core.events import Envelope
from steersman.core.tail import Standing, Tail
from tests.agent.core.making import TASK, claimed, log, said

_, CLAIMED, FIRST, SECOND = log(claimed(), said("one"), said("two"))


def tail_of(*envelopes: Envelope) -> Tail:
    tail = Tail(Standing(TASK, seq=1, epoch=0, step=0))
    for envelope in envelopes:
        tail.append(envelope)
    return tail


def test_an_event_that_is_read_twice_is_shown_once() -> None:
    tail = tail_of(CLAIMED, FIRST, CLAIMED)
    assert (tail.seq, tail.after(1), tail.after(2)) == (3, (CLAIMED, FIRST), (FIRST,))


def test_what_was_missed_is_left_to_the_log() -> None:
    tail = tail_of(CLAIMED, SECOND)
    assert (tail.seq, tail.after(2), tail.after(3)) == (4, None, (SECOND,))

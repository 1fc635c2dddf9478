"""The text of a thought, put together from deltas that overlap, come late or begin again."""

from hypothesis import given
from hypothesis import strategies as st

from steersman.core.deltas import MAX_UNITS, Delta, PartialText, Shown
from steersman.core.ids import TaskId

A = TaskId("a")


def delta(offset: int, text: str, *, epoch: int = 1, step: int = 1) -> Delta:
    return Delta(A, epoch, step, offset, text)


def text_of(*deltas: Delta) -> PartialText:
    text = PartialText(A)
    for one in deltas:
        text.add(one)
    return text


def whole(text: PartialText) -> Delta | None:
    return text.past(Shown())[0]


def test_who_comes_late_gets_all_of_it_as_one_delta() -> None:
    text = text_of(delta(0, "one "), delta(4, "two "), delta(8, "three"))
    assert whole(text) == delta(0, "one two three")


def test_who_has_a_part_gets_the_rest_once() -> None:
    text = text_of(delta(0, "one "))
    _, shown = text.past(Shown())
    text.add(delta(4, "two"))
    rest, shown = text.past(shown)
    assert rest == delta(4, "two")
    assert text.past(shown) == (None, shown)


def test_what_is_known_already_is_cut_off_in_utf_16_units() -> None:
    text = text_of(delta(0, "a\N{ROCKET}b"))
    _, shown = text.past(Shown())
    text.add(delta(1, "\N{ROCKET}bc"))
    text.add(delta(0, "a"))
    assert text.past(shown)[0] == delta(4, "c")


def test_text_from_before_our_time_is_put_in_front() -> None:
    text = text_of(delta(4, "two"), delta(0, "one two"), delta(7, "."))
    assert whole(text) == delta(0, "one two.")


def test_a_hole_is_not_closed_by_what_follows_it() -> None:
    text = text_of(delta(0, "one "))
    _, shown = text.past(Shown())
    text.add(delta(8, "three"))
    assert text.past(shown)[0] == delta(8, "three")


def test_a_later_thought_or_epoch_voids_the_text() -> None:
    text = text_of(delta(0, "old", step=2), delta(0, "older", step=1))
    assert whole(text) == delta(0, "old", step=2)
    text.add(delta(0, "new", epoch=2))
    text.add(delta(3, " and old", step=2))
    assert whole(text) == delta(0, "new", epoch=2)


def test_a_thought_that_is_begun_again_is_shown_from_where_it_began() -> None:
    text = text_of(delta(0, "I think of "), delta(11, "cats"))
    _, shown = text.past(Shown())
    text.add(delta(0, "I think "))
    assert text.past(shown)[0] is None
    text.add(delta(8, "about dogs"))
    assert text.past(shown)[0] == delta(0, "I think about dogs")


def test_a_text_that_was_cleared_begins_anew() -> None:
    text = text_of(delta(0, "one"))
    _, shown = text.past(Shown())
    text.clear()
    assert text.past(shown)[0] is None
    text.add(delta(0, "one"))
    assert text.past(shown)[0] == delta(0, "one")


def test_of_an_endless_thought_the_end_is_kept() -> None:
    piece = "x" * (MAX_UNITS // 2)
    text = text_of(*(delta(n * len(piece), piece) for n in range(3)))
    assert whole(text) == delta(len(piece), piece * 2)


@given(
    said=st.text(alphabet="ab\N{ROCKET}", max_size=30),
    cuts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans())),
)
def test_whatever_pieces_come_without_a_hole_nothing_is_shown_twice_or_wrong(
    said: str, cuts: list[tuple[int, int, bool]]
) -> None:
    text, shown, seen, known = PartialText(A), Shown(), 0, 0
    units = said.encode("utf-16-le")
    for one, other, looks in cuts:
        start, end = sorted((one, other))
        start, end = min(start, known), min(end, len(units) // 2)
        text.add(delta(start, units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")))
        known = max(known, end)
        if not looks:
            continue
        new, shown = text.past(shown)
        if new is not None:
            got = new.text.encode("utf-16-le", "surrogatepass")
            assert new.offset >= seen
            assert got == units[2 * new.offset : 2 * new.offset + len(got)]
            seen = new.offset + len(got) // 2

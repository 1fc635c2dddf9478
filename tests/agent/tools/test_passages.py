"""What a model looks for in a file cannot keep the process busy."""

import asyncio
import threading

import pytest

from steersman.tools.passages import similar_lines
from steersman.tools.replacing import carry_out, plan
from tests.agent.tools.conftest import Workplace


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("\n" * 1_000_000, "a" + "\n" * 60_000 + "b"),
        ("a\n" * 400_000, "a\n" * 100_000 + "b"),
        ("a\n" * 400_000, "a\n" * 100_000 + "b\n" + "a\n" * 100_000),
        ("a" + "\u0300\u0316" * 200_000, "b"),
    ],
    ids=["empty lines", "equal lines", "nearly equal lines", "combining marks"],
)
def test_a_search_for_similar_lines_takes_as_long_as_the_file(text: str, passage: str) -> None:
    assert similar_lines(text, passage) is None


@pytest.mark.timeout(20)
async def test_whether_a_passage_is_alone_is_known_soon(work: Workplace) -> None:
    work.write("a.txt", b"b" + b"aab" * 300_000)
    arguments = {"old_text": "b" + "aab" * 150_000, "new_text": "c"}
    assert (await work.failure("edit_file", path="a.txt", **arguments))[0] == "not_unique"
    work.write("b.txt", b"ba" + b"a" * 999_000)
    await work.call("edit_file", path="b.txt", old_text="b" + "a" * 500_000, new_text="c")
    assert (work.root / "b.txt").read_bytes() == b"c" + b"a" * 499_000 + b"a"


@pytest.mark.parametrize(
    ("text", "passage", "lines"),
    [
        ("one\n  two\nthree", "two\nthree", (2, 3)),
        ("one\ntwo\nthree", "  one", (1, 1)),
        ("a\nb\nab", "ab", (3, 3)),
        ("caf\u00e9 au lait", "cafe\u0301  au lait", (1, 1)),
    ],
)
def test_similar_lines_are_found_where_they_are(
    text: str, passage: str, lines: tuple[int, int]
) -> None:
    assert similar_lines(text, passage) == lines


async def test_a_call_that_is_cut_before_it_writes_ends_at_once_and_never_writes(
    work: Workplace,
) -> None:
    files = work.context().files
    key = await plan(files, "a.txt", lambda _: b"new")
    begun, go, left = threading.Event(), threading.Event(), threading.Event()

    def slow(_: bytes | None) -> bytes:
        begun.set()
        go.wait(10)
        left.set()
        return b"new"

    call = asyncio.ensure_future(carry_out(files, "a.txt", slow, key))
    await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not left.is_set()
    go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert not (work.root / "a.txt").exists()

"""What a model sees of a file."""

import pytest

from steersman.core.text import INLINE_LIMIT_BYTES
from tests.agent.tools.conftest import TOOLS, Workplace


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "a.py, lines 1 to 3 of 3:\none\ntwo\nthree"),
        ({"start_line": 2}, "a.py, lines 2 to 3 of 3:\ntwo\nthree"),
        ({"start_line": 2, "end_line": 2}, "a.py, lines 2 to 2 of 3:\ntwo\n"),
        ({"end_line": 99}, "a.py, lines 1 to 3 of 3:\none\ntwo\nthree"),
        ({"end_line": None}, "a.py, lines 1 to 3 of 3:\none\ntwo\nthree"),
    ],
)
async def test_lines_are_read(work: Workplace, asked: dict[str, int], expected: str) -> None:
    work.write("a.py", b"one\ntwo\nthree")
    assert await work.call("read_file", path="a.py", **asked) == expected


async def test_a_line_after_the_last_is_a_failure_that_says_how_many_there_are(
    work: Workplace,
) -> None:
    work.write("a.py", b"one\n")
    assert await work.failure("read_file", path="a.py", start_line=2) == (
        "invalid_arguments",
        "a.py has only 1 lines; start_line is 2.",
    )


def test_lines_in_the_wrong_order_are_refused_before_anything_runs() -> None:
    with pytest.raises(ValueError, match="end_line comes before start_line"):
        TOOLS["read_file"].arguments(path="a.py", start_line=3, end_line=2)


async def test_an_empty_file_is_said_to_be_empty(work: Workplace) -> None:
    work.write("a.py", b"")
    assert await work.call("read_file", path="a.py") == "a.py is empty."


async def test_a_long_file_is_read_page_by_page_without_losing_a_line(work: Workplace) -> None:
    lines = [f"{number} caf\u00e9 {'x' * (number % 90)}\n" for number in range(1, 1_001)]
    work.write("long.txt", "".join(lines).encode())
    read, start, pages = "", 1, 0
    while start <= len(lines):
        page = await work.call("read_file", path="long.txt", start_line=start)
        assert len(page.encode()) <= INLINE_LIMIT_BYTES
        head, _, text = page.partition(":\n")
        read, start, pages = read + text, start + text.count("\n"), pages + 1
        more = f"; go on with start_line {start}" if start <= len(lines) else ""
        assert head.endswith(f"to {start - 1} of 1000{more}")
    assert (read, pages > 5) == ("".join(lines), True)


async def test_a_line_that_is_too_long_is_cut_and_said_to_be(work: Workplace) -> None:
    work.write("min.js", b"x" * 500_000 + b"\nend\n")
    page = await work.call("read_file", path="min.js")
    assert page.startswith(
        "min.js, lines 1 to 1 of 2; go on with start_line 2; this line is cut: it has 500,001 bytes"
    )
    assert len(page) <= INLINE_LIMIT_BYTES


async def test_only_a_line_feed_ends_a_line_as_compilers_count(work: Workplace) -> None:
    work.write("a.txt", "a\x0cb\u2028c\x85d\re\n".encode())
    assert await work.call("read_file", path="a.txt") == (
        "a.txt, lines 1 to 1 of 1:\na\x0cb\u2028c\x85d\re\n"
    )


async def test_crlf_is_shown_as_line_feeds_and_named(work: Workplace) -> None:
    work.write("a.bat", b"\xef\xbb\xbfone\r\ntwo\r\n")
    work.write("mixed.txt", b"one\r\ntwo\n")
    assert await work.call("read_file", path="a.bat") == (
        "a.bat, lines 1 to 2 of 2; CRLF line endings:\none\ntwo\n"
    )
    assert (await work.call("read_file", path="mixed.txt")).endswith(":\none\r\ntwo\n")


async def test_bytes_that_are_no_text(work: Workplace) -> None:
    work.write("latin.txt", b"caf\xe9\n")
    work.write("a.png", b"\x89PNG\0\0")
    assert (await work.call("read_file", path="latin.txt")).endswith(":\ncaf\ufffd\n")
    assert await work.failure("read_file", path="a.png") == (
        "not_a_file",
        "a.png is no text (6 bytes).",
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [("../a", "outside_workspace"), ("none.py", "not_found"), (".", "not_a_file")],
)
async def test_the_files_failures_keep_their_codes(work: Workplace, path: str, code: str) -> None:
    assert (await work.failure("read_file", path=path))[0] == code


async def test_an_output_that_was_cut_is_read_on_without_cutting_a_character(
    work: Workplace,
) -> None:
    name, text = "a" * 64, "\u20ac" * 5_000
    work.artifacts[name] = text.encode()
    read, start = "", 0
    while start < 15_000:
        page = await work.call("read_output", artifact=name, start=start, length=1_000)
        head, _, part = page.partition(":\n")
        last = start + len(part.encode())
        assert (head, last > start) == (f"bytes {start} to {last} of 15000", True)
        read, start = read + part, last
    assert read == text
    assert (await work.failure("read_output", artifact=name, start=15_000))[
        0
    ] == "invalid_arguments"
    assert (await work.failure("read_output", artifact="b" * 64))[0] == "not_found"

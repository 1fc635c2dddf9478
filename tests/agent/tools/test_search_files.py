"""A search finds lines, whatever the files hold, and ends, whatever the pattern is."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from steersman.core.text import INLINE_LIMIT_BYTES
from steersman.tools import search_files, searching
from tests.agent.tools.conftest import Workplace

ENDLESS = "(a+)+b"


def searches() -> list[psutil.Process]:
    """Return the searches that this process has begun and not yet reaped."""
    children = psutil.Process().children()
    return [child for child in children if child.status() == "zombie" or is_search(child)]


def is_search(process: psutil.Process) -> bool:
    return searching.__file__ in process.cmdline()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("total", "shop/cart.py:2:     total = 1"),
        ("(?i)DEF PAY", "shop/cart.py:1: def pay():"),
        ("= 1$", "shop/cart.py:2:     total = 1"),
        (r"caf\u00e9", "caf.txt:1: un caf\u00e9"),
        ("^un ", "caf.txt:1: un caf\u00e9"),
        (r"\bdef \w+\(", "shop/cart.py:1: def pay():"),
        ("nothing like it", "(no matches)"),
    ],
)
async def test_matching_lines_are_found(work: Workplace, pattern: str, expected: str) -> None:
    work.write("shop/cart.py", b"def pay():\r\n    total = 1\r\n")
    work.write("caf.txt", "\ufeffun caf\u00e9\x0c".encode())
    work.write("image.png", b"\0total un caf")
    assert await work.call("search_files", pattern=pattern) == expected


async def test_a_search_may_be_in_one_file(work: Workplace) -> None:
    work.write("a.py", b"x\n")
    work.write("b.py", b"x\n")
    assert await work.call("search_files", pattern="x", path="b.py") == "b.py:1: x"


async def test_a_long_line_is_shown_around_its_match(work: Workplace) -> None:
    work.write("min.js", b"a" * 5_000 + b"needle" + b"b" * 5_000)
    found = await work.call("search_files", pattern="needle")
    assert found == f"min.js:1: …{'a' * 100}needle{'b' * 194}…"


async def test_many_matches_are_cut_to_what_an_event_holds(work: Workplace) -> None:
    work.write("a.txt", b"x\n" * 5_000)
    work.write("long.txt", (b"y" * 290 + b"\n") * 1_000)
    few, long = [await work.call("search_files", pattern=pattern) for pattern in ("x", "y")]
    note = "(more matches are left out; make the pattern or the path narrower)"
    assert [few.count("\n"), few.endswith(note), long.endswith(note)] == [100, True, True]
    assert len(long.encode()) < INLINE_LIMIT_BYTES


async def test_what_is_not_searched_is_said(work: Workplace) -> None:
    work.write("large.log", b"x" * (1024 * 1024 + 1))
    assert await work.call("search_files", pattern="x") == (
        "(no matches)\n(1 files of more than 1 MB were not searched)"
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "pattern: missing ), unterminated subpattern at position 0"),
        ("a{99999999999}", "pattern: the repetition number is too large"),
        ("(?<=a+)b", "pattern: look-behind requires fixed-width pattern"),
        ("(" * 500 + ")" * 500, "pattern: "),
    ],
)
async def test_a_pattern_that_is_none_is_refused(work: Workplace, pattern: str, said: str) -> None:
    code, text = await work.failure("search_files", pattern=pattern)
    assert (code, text.startswith(said), len(text) > len("pattern: ")) == (
        "invalid_arguments",
        True,
        True,
    )


@pytest.mark.parametrize(("path", "code"), [("..", "outside_workspace"), ("none", "not_found")])
async def test_a_path_that_cannot_be_searched_keeps_its_code(
    work: Workplace, path: str, code: str
) -> None:
    assert (await work.failure("search_files", pattern="x", path=path))[0] == code


@pytest.mark.slow
async def test_a_pattern_that_takes_forever_is_ended(
    work: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_files, "_SECONDS", 1)
    work.write("a.txt", b"a" * 60)
    work.write("more.txt", b"b" * 900_000)
    code, text = await work.failure("search_files", pattern=ENDLESS)
    assert (code, "more than 1 seconds" in text, searches()) == ("timeout", True, [])


async def test_a_cancelled_search_leaves_no_process(work: Workplace) -> None:
    work.write("a.txt", b"a" * 60)
    searching_now = asyncio.ensure_future(work.call("search_files", pattern=ENDLESS))
    async with asyncio.timeout(10):
        while not any(child.status() == "running" for child in searches()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    searching_now.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching_now
    async with asyncio.timeout(10):
        while searches():  # noqa: ASYNC110 - one that was just starting is still to be waited for
            await asyncio.sleep(0.005)


@pytest.mark.slow
def test_a_search_ends_by_itself_when_its_parent_is_killed(tmp_path: Path) -> None:
    request = b'{"pattern": "(a+)+b", "seconds": 1, "matches": 9, "bytes": 99}\n["a", 60]\n'
    arguments = [sys.executable, "-I", "-S", searching.__file__]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(request + b"a" * 60)
        process.stdin.flush()
        assert process.wait(10) == -signal.SIGALRM


async def test_a_search_knows_nothing_of_the_environment(
    work: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEERSMAN_API_TOKEN", "secret")
    work.write("a.txt", b"a" * 60)
    searching_now = asyncio.ensure_future(work.call("search_files", pattern=ENDLESS))
    async with asyncio.timeout(10):
        while not (found := [one for one in searches() if is_search(one)]):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    environment = found[0].environ()
    searching_now.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching_now
    assert environment == {}


async def test_names_that_are_no_utf8_do_no_harm(work: Workplace) -> None:
    work.write(os.fsdecode(b"caf\xe9.txt"), b"x\n")
    assert await work.call("search_files", pattern="x") == "caf?.txt:1: x"

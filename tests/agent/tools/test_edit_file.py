"""One exact passage is replaced, and the rest of the file stays as it was to the byte."""

import pytest

from tests.agent.tools.conftest import TOOLS, Workplace


async def edited(work: Workplace, before: bytes, old: str, new: str) -> bytes:
    file = work.write("a.txt", before)
    assert await work.call("edit_file", path="a.txt", old_text=old, new_text=new) == "Edited a.txt."
    return file.read_bytes()


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"one\ntwo\n", "two", "2", b"one\n2\n"),
        (b"one\ntwo", "two", "2\n", b"one\n2\n"),
        (b"one\ntwo\n", "one\n", "", b"two\n"),
        (b"one\r\ntwo\r\n", "one\ntwo\n", "1\n2\n3\n", b"1\r\n2\r\n3\r\n"),
        (b"one\r\ntwo\r\n", "two", "2\n3", b"one\r\n2\r\n3\r\n"),
        (b"one\r\ntwo\r\n", "one\r\ntwo", "1\r\n2", b"1\r\n2\r\n"),
        (b"one\r\ntwo\nthree\n", "two\nthree", "2\n3", b"one\r\n2\n3\n"),
        (b"one\r\ntwo\n", "one\r\ntwo", "1\n2", b"1\n2\n"),
        (b"\xef\xbb\xbfone\n", "one", "1", b"\xef\xbb\xbf1\n"),
        (b"caf\xe9 one\n", "one", "\u00e9", b"caf\xe9 \xc3\xa9\n"),
        (b"\0binary\0", "binary", "b", b"\0b\0"),
        (b"a.b|a+b", "a+b", r"\1\n", rb"a.b|\1\n"),
    ],
)
async def test_a_passage_is_replaced(
    work: Workplace, before: bytes, old: str, new: str, after: bytes
) -> None:
    assert await edited(work, before, old, new) == after


@pytest.mark.parametrize(
    ("before", "old", "code", "said"),
    [
        (b"x\ny\nx\n", "x", "not_unique", "(lines 1, 3); add neighbouring lines"),
        (b"aXaXa\n", "aXa", "not_unique", "(lines 1, 1)"),
        (b"x\n" * 100, "x", "not_unique", "(lines 1, 2, 3, 4, 5)"),
        (b"one\n", "two", "not_found", "Read the file as it is now and copy the passage"),
        (b"a\n\tif x:\n\t\ty\n", "    if x:\n        y\n", "not_found", "Lines 2 to 3 differ"),
        ("caf\u00e9\n".encode(), "cafe\u0301", "not_found", "Lines 1 to 1 differ"),
        (b"caf\xe9 x\n", "caf\ufffd x", "not_found", "take a passage without it"),
        (b"\n \n", "  \n  ", "not_found", "Read the file"),
        (b"", "one", "not_found", "Read the file"),
    ],
)
async def test_a_passage_that_is_not_there_once_is_a_failure_that_helps(
    work: Workplace, before: bytes, old: str, code: str, said: str
) -> None:
    file = work.write("a.txt", before)
    failed, text = await work.failure("edit_file", path="a.txt", old_text=old, new_text="z")
    assert (failed, said in text, file.read_bytes()) == (code, True, before)


async def test_a_file_that_is_not_there_is_not_found(work: Workplace) -> None:
    failure = await work.failure("edit_file", path="none.py", old_text="a", new_text="b")
    assert failure == ("not_found", "none.py: there is no such file.")


def test_an_edit_that_changes_nothing_is_refused_before_anything_runs() -> None:
    with pytest.raises(ValueError, match="nothing would change"):
        TOOLS["edit_file"].arguments(path="a.py", old_text="same", new_text="same")


async def test_an_executable_stays_executable(work: Workplace) -> None:
    file = work.write("run.sh", b"#!/bin/sh\nexit 1\n")
    file.chmod(0o755)
    await work.call("edit_file", path="run.sh", old_text="exit 1", new_text="exit 0")
    assert file.stat().st_mode & 0o777 == 0o755

"""A whole file is written once, whatever happens between its intent and its outcome."""

import asyncio
import threading
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles
from steersman.core.tool import ToolFailure
from steersman.tools.replacing import carry_out, plan
from tests.agent.tools.conftest import Workplace
from tests.agent.workspace_files.dying import MOMENTS, die_while_replacing

WRITE = {"path": "shop/cart.py", "content": "total = 2\n"}
EDIT = {"path": "shop/cart.py", "old_text": "1", "new_text": "2"}
BEFORE, AFTER = b"total = 1\n", b"total = 2\n"


async def test_a_new_file_is_written_in_folders_that_are_made(work: Workplace) -> None:
    said = await work.call("write_file", path="a/b/c.txt", content="caf\u00e9")
    assert (said, (work.root / "a/b/c.txt").read_bytes()) == (
        "Wrote a/b/c.txt (5 bytes).",
        b"caf\xc3\xa9",
    )


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (b"old\n", "", b""),
        (b"old", "new", b"new"),
        (b"old\r\n", "one\ntwo\n", b"one\r\ntwo\r\n"),
        (b"old\r\n", "one\r\ntwo\n", b"one\r\ntwo\r\n"),
        (b"a\r\nb\n", "one\ntwo\r\n", b"one\ntwo\r\n"),
        (b"\xef\xbb\xbfold", "new", b"\xef\xbb\xbfnew"),
        (b"\xef\xbb\xbfold", "\ufeffnew", b"\xef\xbb\xbfnew"),
        (b"", "one\r\n", b"one\r\n"),
        (b"\0\r\n", "text\n", b"text\n"),
    ],
)
async def test_a_file_that_is_replaced_keeps_its_line_endings(
    work: Workplace, before: bytes, content: str, after: bytes
) -> None:
    file = work.write("a.txt", before)
    await work.call("write_file", path="a.txt", content=content)
    assert file.read_bytes() == after


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../a", "outside_workspace"),
        (".git/config", "outside_workspace"),
        ("folder", "not_a_file"),
        ("new/", "not_a_file"),
        ("file/below", "not_a_file"),
        ("x" * 256, "not_found"),
    ],
)
async def test_what_cannot_be_written_is_a_failure_that_leaves_nothing(
    work: Workplace, path: str, code: str
) -> None:
    work.write("file", b"")
    (work.root / "folder").mkdir()
    assert (await work.failure("write_file", path=path, content="x"))[0] == code
    assert sorted(entry.name for entry in work.root.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(("tool", "arguments"), [("write_file", WRITE), ("edit_file", EDIT)])
@pytest.mark.parametrize(
    ("found", "left"), [(BEFORE, AFTER), (AFTER, AFTER)], ids=["not yet done", "done already"]
)
async def test_a_call_that_is_resumed_ends_with_the_same_file(
    work: Workplace, tool: str, arguments: dict[str, str], found: bytes, left: bytes
) -> None:
    file = work.write("shop/cart.py", BEFORE)
    key = await work.prepare(tool, **arguments)
    file.write_bytes(found)
    await work.resume(tool, key, **arguments)
    assert file.read_bytes() == left


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "arguments"), [("write_file", WRITE), ("edit_file", EDIT)])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_wherever_the_process_dies_the_next_one_ends_the_call(
    work: Workplace, tool: str, arguments: dict[str, str], moment: str
) -> None:
    file = work.write("shop/cart.py", BEFORE)
    key = await work.prepare(tool, **arguments)
    await asyncio.to_thread(die_while_replacing, work.root, moment)
    await work.resume(tool, key, **arguments)
    assert {entry.name: entry.read_bytes() for entry in file.parent.iterdir()} == {"cart.py": AFTER}


@pytest.mark.parametrize(("tool", "arguments"), [("write_file", WRITE), ("edit_file", EDIT)])
async def test_somebody_elses_change_is_a_conflict_and_stays(
    work: Workplace, tool: str, arguments: dict[str, str]
) -> None:
    file = work.write("shop/cart.py", BEFORE)
    key = await work.prepare(tool, **arguments)
    file.write_bytes(b"total = 1  # theirs\n")
    with pytest.raises(ToolFailure) as caught:
        await work.resume(tool, key, **arguments)
    assert (caught.value.code, file.read_bytes()) == ("conflict", b"total = 1  # theirs\n")


async def test_a_file_that_somebody_else_made_meanwhile_is_a_conflict(work: Workplace) -> None:
    key = await work.prepare("write_file", **WRITE)
    file = work.write("shop/cart.py", b"theirs\n")
    with pytest.raises(ToolFailure) as caught:
        await work.resume("write_file", key, **WRITE)
    assert (caught.value.code, file.read_bytes()) == ("conflict", b"theirs\n")


async def test_a_file_that_is_done_is_not_touched_again(work: Workplace) -> None:
    file = work.write("shop/cart.py", BEFORE)
    key = await work.prepare("edit_file", **EDIT)
    await work.resume("edit_file", key, **EDIT)
    before = file.stat()
    await work.resume("edit_file", key, **EDIT)
    assert file.stat() == before


class SlowFiles(DirectoryFiles):
    """Replace only once `go` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.begun, self.go = threading.Event(), threading.Event()

    def replace(self, path: str, content: bytes, *, expected: str | None) -> None:
        self.begun.set()
        self.go.wait(10)
        super().replace(path, content, expected=expected)


async def test_a_cancelled_write_has_ended_when_the_cancellation_goes_on(work: Workplace) -> None:
    files = SlowFiles(work.root)
    key = await plan(files, "a.txt", lambda _: b"new")
    writing = asyncio.ensure_future(carry_out(files, "a.txt", lambda _: b"new", key))
    await asyncio.to_thread(files.begun.wait, 10)
    writing.cancel()
    await asyncio.sleep(0)
    assert not writing.done()
    files.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (work.root / "a.txt").read_bytes() == b"new"

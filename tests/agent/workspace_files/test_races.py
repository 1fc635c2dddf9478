"""Whoever swaps folders and files for links meanwhile gains nothing."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles
from steersman.core.tool import ToolFailure
from tests.agent.workspace_files.conftest import SECRET

ROUNDS = 3_000
AT_FDCWD = -100
RENAME_EXCHANGE = 2


@contextmanager
def swapping(place: Path, target: Path) -> Iterator[Callable[[], int]]:
    """Exchange what is at `place` with a link to `target`, all the time; count how often."""
    ended, swaps = threading.Event(), 0
    link = place.with_name("link")
    link.symlink_to(target)

    def swap() -> None:
        nonlocal swaps
        while not ended.is_set():
            exchange(place, link)
            swaps += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield lambda: swaps
    finally:
        ended.set()
        thread.join()


def exchange(one: Path, other: Path) -> None:
    """Let two names change places in one step, which no rename of Python's can."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, bytes(one), AT_FDCWD, bytes(other), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


@pytest.mark.slow
def test_a_folder_that_becomes_a_link_leads_nowhere(files: DirectoryFiles, root: Path) -> None:
    outside = root.parent / "outside"
    (outside / "cart.py").write_bytes(SECRET)
    (root / "shop" / "secret.txt").write_bytes(b"mine")
    before, read = contents(outside), set[bytes]()
    with swapping(root / "shop", outside) as swaps:
        for number in range(ROUNDS):
            with suppress(ToolFailure):
                read.add(files.read("shop/secret.txt"))
            with suppress(ToolFailure):
                files.list("shop", None, 10)
            with suppress(ToolFailure):
                files.replace(f"shop/new{number % 5}.py", b"mine", expected=None)
        assert swaps() > 100
    assert (contents(outside), read) == (before, {b"mine"})


@pytest.mark.slow
def test_a_file_that_becomes_a_link_is_neither_read_nor_written(
    files: DirectoryFiles, root: Path
) -> None:
    outside = root.parent / "outside"
    before, read = contents(outside), set[bytes]()
    with swapping(root / "shop" / "cart.py", outside / "secret.txt") as swaps:
        for _ in range(ROUNDS):
            with suppress(ToolFailure):
                read.add(files.read("shop/cart.py"))
            with suppress(ToolFailure):
                files.digest("shop/cart.py")
        assert swaps() > 100
    assert (contents(outside), read) == (before, {b"total = 1\n"})

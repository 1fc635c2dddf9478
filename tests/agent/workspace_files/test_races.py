"""Whoever swaps folders and files for links meanwhile gains nothing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from steersman.adapters.workspace import DirectoryFiles
from steersman.core.tool import ToolFailure
from tests.agent.workspace_files.conftest import SECRET

ROUNDS = 5_000

# Two names change places in one step, which no rename of Python's can.
_SWAPS = """
import ctypes, os, sys
AT_FDCWD, RENAME_EXCHANGE = -100, 2
exchange = ctypes.CDLL(None).renameat2
one, other = (os.fsencode(name) for name in sys.argv[1:])
print("swapping", flush=True)
while exchange(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0:
    pass
"""


@contextmanager
def swapping(place: Path, target: Path) -> Iterator[None]:
    """Let another process exchange what is at `place` with a link to `target`, all the time."""
    link = place.with_name("link")
    link.symlink_to(target)
    arguments = [sys.executable, "-c", _SWAPS, str(place), str(link)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"swapping\n"
        try:
            yield
            assert process.poll() is None
        finally:
            process.kill()


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


@pytest.mark.slow
def test_a_folder_that_becomes_a_link_leads_nowhere(files: DirectoryFiles, root: Path) -> None:
    outside = root.parent / "outside"
    (outside / "cart.py").write_bytes(SECRET)
    (root / "shop" / "secret.txt").write_bytes(b"mine")
    before, read = contents(outside), set[bytes]()
    with swapping(root / "shop", outside):
        for number in range(ROUNDS):
            with suppress(ToolFailure):
                read.add(files.read("shop/secret.txt"))
            with suppress(ToolFailure):
                files.list("shop", None, 10)
            with suppress(ToolFailure):
                files.replace(f"shop/new{number % 5}.py", b"mine", expected=None)
    assert (contents(outside), read) == (before, {b"mine"})


@pytest.mark.slow
def test_a_file_that_becomes_a_link_is_neither_read_nor_written(
    files: DirectoryFiles, root: Path
) -> None:
    outside = root.parent / "outside"
    before, read = contents(outside), set[bytes]()
    with swapping(root / "shop" / "cart.py", outside / "secret.txt"):
        for _ in range(ROUNDS):
            with suppress(ToolFailure):
                read.add(files.read("shop/cart.py"))
            with suppress(ToolFailure):
                files.digest("shop/cart.py")
    assert (contents(outside), read) == (before, {b"total = 1\n"})

"""Kill a process at a named moment of replacing a file."""

import subprocess
import sys
from pathlib import Path

BEFORE_WRITE = "before the write"
BEFORE_FLUSH = "before the flush"
BEFORE_RENAME = "before the rename"
AFTER_RENAME = "after the rename"
MOMENTS = (BEFORE_WRITE, BEFORE_FLUSH, BEFORE_RENAME, AFTER_RENAME)

_PROGRAM = """
import hashlib, os, sys
from pathlib import Path
from steersman.adapters.workspace import DirectoryFiles

def die(*_, **__):
    os.kill(os.getpid(), 9)

def then_die(call):
    return lambda *a, **k: (call(*a, **k), die())

def die_if_it_makes_a_file(call):
    return lambda path, flags, *a, **k: die() if flags & os.O_CREAT else call(path, flags, *a, **k)

match sys.argv[2]:
    case "before the write":
        os.open = die_if_it_makes_a_file(os.open)
    case "before the flush":
        os.fsync = die
    case "before the rename":
        os.replace = die
    case "after the rename":
        os.replace = then_die(os.replace)
expected = hashlib.sha256(b"total = 1\\n").hexdigest()
DirectoryFiles(Path(sys.argv[1])).replace("shop/cart.py", b"total = 2\\n", expected=expected)
"""


def die_while_replacing(root: Path, moment: str) -> None:
    """Replace `total = 1` in shop/cart.py by `total = 2`, as far as the process lives."""
    arguments = [sys.executable, "-c", _PROGRAM, str(root), moment]
    assert subprocess.run(arguments, check=False).returncode == -9

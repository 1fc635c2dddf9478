"""A process ends when its work has ended, whatever a thread of a library still does."""

import subprocess
import sys

import pytest

_HOLDING = """
import atexit, sys, threading
from steersman.cli.leaving import prompt_end

lock, held = threading.Lock(), threading.Event()

def hold():
    with lock:
        held.set()
        threading.Event().wait()

class NeedsTheLock:
    def __del__(self, lock=lock):
        lock.acquire()

sys.needs_the_lock = NeedsTheLock()  # of what a module holds, the end disposes
threading.Thread(target=hold, daemon=True).start()
held.wait()
atexit.register(print, "done what was left")

def command():
    print("said")
    sys.exit(int(sys.argv[1]))

prompt_end(command)
"""


@pytest.mark.parametrize("code", [0, 3])
def test_a_thread_that_holds_what_the_end_needs_is_not_waited_for(code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _HOLDING, str(code)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (code, "said\ndone what was left\n")
    assert ended.stderr == ""

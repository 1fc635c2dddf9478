"""How a process ends while a thread of a library is still at work, such as LiteLLM's import."""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable


def prompt_end(command: Callable[[], object]) -> None:
    """Run a command that ends with SystemExit, and end the process with it.

    The interpreter stops daemon threads where they stand, locks held, and then may wait for one of
    those locks for ever. So where one is left, it does not get to that.
    """
    try:
        command()
    except SystemExit as end:
        if any(thread.daemon for thread in threading.enumerate()):
            _end(end.code)
        raise


def _end(code: object) -> None:
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - all that is left to be done
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))

"""Where the command line ends: an error becomes one line on stderr and an exit code."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import TracebackType

from steersman.cli.glyphs import show_what_can_be_shown
from steersman.cli.untrusted import one_line
from steersman.core.errors import ConfigurationError, RequestError, SteersmanError

FAILURE = 1
USAGE = 2
"""The exit code for what the caller got wrong."""
BROKEN_PIPE = 128 + signal.SIGPIPE
"""That of a program whose reader, such as `head`, has what it wanted."""


def guarded(command: Callable[[], object]) -> None:
    """Run a command; what goes wrong is one line that says what to do."""
    sys.excepthook = _say_in_one_line
    show_what_can_be_shown()
    try:
        try:
            command()
        finally:
            # Here, because at the interpreter's end nobody could be told that it failed.
            sys.stdout.flush()
    except SteersmanError as error:
        if _debugging():
            raise
        _complain(str(error))
        usage = isinstance(error, RequestError | ConfigurationError)
        raise SystemExit(USAGE if usage else FAILURE) from None
    except OSError as error:
        if _debugging() or not _is_of_stdout(error):
            raise
        give_stdout_up()
        _complain(f"stdout: {error.strerror}")
        raise SystemExit(FAILURE) from None


def _is_of_stdout(error: OSError) -> bool:
    """Say whether it is about what we print: errors of files name them."""
    return error.filename is None and error.errno in {errno.ENOSPC, errno.EIO}


def give_stdout_up() -> None:
    """Let the interpreter's last flush go nowhere, for it would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Report a bug of ours; its traceback is for those who ask for it."""
    if _debugging():
        sys.__excepthook__(kind, error, trace)
    else:
        said = f"unexpected {kind.__name__}: {error}"
        _complain(f"{said}; STEERSMAN_DEBUG=1 shows where, which a report should say")


def _complain(message: str) -> None:
    sys.stderr.write(f"steersman: {one_line(message)}\n")


def _debugging() -> bool:
    return bool(os.environ.get("STEERSMAN_DEBUG"))

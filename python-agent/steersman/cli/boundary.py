"""Where the command line ends: an error becomes one line on stderr and an exit code."""

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from types import TracebackType

from steersman.cli.untrusted import one_line
from steersman.core.errors import ConfigurationError, RequestError, SteersmanError

FAILURE = 1
USAGE = 2
"""The exit code for what the caller got wrong."""


def guarded(command: Callable[[], object]) -> None:
    """Run a command; what goes wrong is one line that says what to do."""
    sys.excepthook = _say_in_one_line
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows ? for what it lacks, instead of an error.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        command()
    except SteersmanError as error:
        if _debugging():
            raise
        _complain(str(error))
        usage = isinstance(error, RequestError | ConfigurationError)
        raise SystemExit(USAGE if usage else FAILURE) from None


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

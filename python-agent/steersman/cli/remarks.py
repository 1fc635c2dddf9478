"""Warnings of the program itself while a person watches: one line each, in the view."""

import asyncio
import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from steersman.logs import Redaction, TextFormatter


class _Remarks(logging.Handler):
    """Hands records, of any thread, to the event loop, which alone draws."""

    def __init__(self, note: Callable[[str], None], redaction: Redaction) -> None:
        super().__init__(logging.WARNING)
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._debugging = bool(os.environ.get("STEERSMAN_DEBUG"))
        self.setFormatter(TextFormatter(redaction))

    def emit(self, record: logging.LogRecord) -> None:
        # Libraries warn those who call them, and a traceback is for those who ask for it.
        if not self._debugging:
            if record.name == "py.warnings":
                return
            record = logging.makeLogRecord({**vars(record), "exc_info": None, "exc_text": None})
        self._loop.call_soon_threadsafe(self._note, self.format(record))


@contextmanager
def remarks(note: Callable[[str], None], redaction: Redaction) -> Generator[None]:
    """Show warnings as notes while the block runs."""
    root = logging.getLogger()
    handler, before = _Remarks(note, redaction), root.handlers[:]
    root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before

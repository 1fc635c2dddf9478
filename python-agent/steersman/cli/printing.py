"""Lines for people on stdout: as wide as the terminal, or as long as they are in a pipe."""

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from steersman.cli.untrusted import JOINERS


class _PlainConsole(Console):
    def on_broken_pipe(self) -> None:
        # It would end the program here, as a failure.
        raise BrokenPipeError


def make_console() -> Console:
    """Return a console that adds nothing of its own to what it prints."""
    return _PlainConsole(highlight=False, markup=False, emoji=False)


class Printer:
    """Where a command's answer goes. `width` is None where lines are not to be broken."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = console.width if console.is_terminal else None

    @classmethod
    def of_stdout(cls) -> "Printer":
        """Return that of this process."""
        return cls(make_console())

    @property
    def columns(self) -> int:
        """For how many columns texts are wrapped."""
        return self._console.width

    def say(self, lines: Sequence[Text]) -> None:
        """Print lines."""
        for line in lines:
            self._console.print(harmless(line), soft_wrap=True)

    def row(self, line: Text) -> None:
        """Print one line that must not go on in the next."""
        if self.width is not None:
            line.truncate(self.width, overflow="ellipsis")
        self.say([line])


def print_json(items: Sequence[object]) -> None:
    """Print JSON lines, in ASCII: nothing in them can act on a terminal."""
    sys.stdout.writelines(json.dumps(item) + "\n" for item in items)


def harmless(line: Text) -> Text:
    """Return a line that no terminal acts on, whatever was forgotten on the way here."""
    plain = line.plain
    if all(c.isprintable() or c in JOINERS for c in plain):
        return line
    kept = line.copy()
    # One for one, so that the styles stay where they are.
    kept.plain = "".join(c if c.isprintable() or c in JOINERS else "\ufffd" for c in plain)
    return kept

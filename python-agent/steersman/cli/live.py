"""The live view of a task: lines that stay, and below them, on a terminal, what goes on now.

Nothing is full-screen: what was printed is ordinary scrollback. Without a terminal only the lines
that stay are printed.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from steersman.cli.calls import duration
from steersman.cli.lines import FINAL_TYPES, LineMaker, spend_line
from steersman.cli.untrusted import one_line
from steersman.core.events import JsonObject

_PARTIAL_LINES = 8
_PATIENCE_SECONDS = 2
"""From then on the status line says how long it has been."""

_THINKING_AFTER = frozenset(
    {
        "task_claimed",
        "action_succeeded",
        "action_failed",
        "action_interrupted",
        "message_added",
        "task_resumed",
    }
)


class PartialThought:
    """The text of the thought that is streaming, put together from deltas."""

    def __init__(self) -> None:
        self.text = ""
        self._thought: tuple[object, object] = (None, None)
        self._next_offset = 0

    def add(self, delta: JsonObject) -> None:
        """Append a delta; another epoch or step, or a repeated beginning, starts anew."""
        thought = (delta.get("epoch"), delta.get("step"))
        offset, piece = int(delta.get("offset", 0)), str(delta.get("text", ""))
        if thought == self._thought and offset == self._next_offset:
            self.text += piece
        else:
            self.text = f"… {piece}" if offset else piece
        self._thought = thought
        self._next_offset = offset + len(piece.encode("utf-16-le", "surrogatepass")) // 2

    def clear(self) -> None:
        """Forget it: the thought has been recorded, or will be thought again."""
        self.text = ""
        self._next_offset = -1


class LiveView:
    """Show one task's events and deltas as they come."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._maker = LineMaker(console.width)
        self._partial = PartialThought()
        self._spinner = Spinner("dots", style="cyan")
        self._status: str | None = "waiting for a worker"
        self._since = clock()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def show(self, wire: JsonObject) -> None:
        """Take one event or delta."""
        if wire.get("type") == "delta":
            self._partial.add(wire)
            return
        self._partial.clear()
        self._maker.resize(self._console.width)
        for line in self._maker.lines_for(wire):
            self._print(line)
        self._set_status(str(wire.get("type")))

    def note(self, text: str) -> None:
        """Print a remark of the command itself."""
        self._print(Text(f"   {one_line(text)}", style="dim"))

    def finish(self, view: JsonObject) -> None:
        """Print what the task has spent."""
        self._print(spend_line(view))
        self._print(Text())

    @contextmanager
    def suspended(self) -> Generator[None]:
        """Leave the terminal alone, for a person who types."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def render_status(self) -> Group:
        """Return what stands below the lines right now."""
        if self._status is None:
            return Group()
        text = self._status
        if (elapsed := self._clock() - self._since) >= _PATIENCE_SECONDS:
            text += f"  {duration(int(elapsed) * 1000).replace('.0 s', ' s')}"
        line = Table.grid(padding=(0, 1))
        # A status that wraps would flicker: the spinner redraws it eight times a second.
        line.add_column(no_wrap=True, width=4, justify="right")
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_row(self._spinner, Text(text, style="dim"))
        partial = self._maker.partial(self._partial.text, _PARTIAL_LINES)
        return Group(Text(), *partial, line) if self._partial.text else Group(line)

    def _set_status(self, kind: str) -> None:
        self._since = self._clock()
        if kind in FINAL_TYPES:
            self._status = None
        elif kind == "question_asked":
            self._status = "waiting for an answer"
        elif kind == "approval_requested":
            self._status = "waiting for an approval"
        elif kind == "task_paused":
            self._status = "paused"
        elif kind == "model_call_failed":
            self._status = "waiting to call the model again"
        elif running := self._maker.running():
            self._status = running
        elif kind in _THINKING_AFTER:
            self._status = "thinking"

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)

    def _start(self) -> None:
        if self._console.is_terminal and self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self.render_status,
                refresh_per_second=8,
                transient=True,
            )
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

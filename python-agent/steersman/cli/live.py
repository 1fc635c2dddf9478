"""The live view of a task: lines that stay, and below them, on a terminal, what goes on now.

Nothing is full-screen: what was printed is ordinary scrollback. Without a terminal only the lines
that stay are printed.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Self

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from steersman.cli.calls import duration
from steersman.cli.keyboard import Keyboard
from steersman.cli.lettering import cut
from steersman.cli.lines import FINAL_TYPES, LineMaker, spend_lines
from steersman.cli.partial import PartialThought
from steersman.cli.printing import harmless
from steersman.cli.untrusted import one_line
from steersman.core.events import JsonObject

_PARTIAL_LINES = 8
_PATIENCE_SECONDS = 2
"""From then on the status line says how long it has been."""

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 8

_STATUS_AFTER = {
    "question_asked": "waiting for an answer",
    "approval_requested": "waiting for an approval",
    "task_paused": "paused",
    "model_call_failed": "waiting to call the model again",
}
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


class LiveView:
    """Show one task's events and deltas as they come.

    `asks`: the person is asked here; `waits`: the status before somebody works on the task.
    """

    def __init__(
        self,
        console: Console,
        *,
        clock: Callable[[], float] = time.monotonic,
        keyboard: Keyboard | None = None,
        asks: bool = False,
        waits: str = "waiting for a worker",
    ) -> None:
        self._console = console
        self._clock = clock
        self.keyboard = keyboard or Keyboard(None)
        self.asks = asks
        self._maker = LineMaker(console.width, cuts=console.is_terminal, asks=asks)
        self._partial = PartialThought()
        self._status: str | None = waits
        self._since = clock()
        self._live: Live | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._held: list[Text] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def width(self) -> int:
        """The terminal's."""
        return self._console.width

    def show(self, wire: JsonObject) -> None:
        """Take one event or delta."""
        if wire.get("type") == "delta":
            self._partial.add(wire)
            return
        self._partial.clear()
        self._maker.resize(self._console.width)
        self.say(self._maker.lines_for(wire))
        self._set_status(str(wire.get("type")))

    def say(self, lines: Sequence[Text]) -> None:
        """Print lines that stay; while a person types they are held back."""
        if self._held is not None:
            self._held += lines
            return
        for line in lines:
            self._console.print(harmless(line), soft_wrap=True, highlight=False)

    def note(self, text: str) -> None:
        """Print a remark of the command itself."""
        self.say(self._maker.remark(text))

    def finish(self, view: JsonObject) -> None:
        """Print what the task has spent."""
        self.say([*spend_lines(view, self._maker.width, self._maker.models), Text()])

    @contextmanager
    def suspended(self) -> Generator[None]:
        """Leave the terminal alone, for a person who types."""
        self._stop()
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            self._start()
            self.say(held)

    def render_status(self) -> Group:
        """Return what stands below the lines right now."""
        if self._status is None:
            return Group()
        elapsed = self._clock() - self._since
        patience = elapsed >= _PATIENCE_SECONDS
        since = f"  {duration(int(elapsed) * 1000).replace('.0 s', ' s')}" if patience else ""
        frame = _FRAMES[int(self._clock() * _FRAMES_PER_SECOND) % len(_FRAMES)]
        # A status that wraps would flicker; the last column is left free, where some would wrap.
        room = self._maker.width - 6 - cell_len(since)
        line = Text.assemble(
            (f"   {frame} ", "cyan"), (cut(one_line(self._status), room), "dim"), (since, "dim")
        )
        partial = self._maker.partial(self._partial.text, _PARTIAL_LINES)
        return Group(Text(), *partial, line) if self._partial.text else Group(line)

    def _set_status(self, kind: str) -> None:
        self._since = self._clock()
        if kind in FINAL_TYPES:
            self._status = None
        elif kind in _STATUS_AFTER:
            self._status = _STATUS_AFTER[kind]
        elif running := self._maker.running():
            self._status = running
        elif kind in _THINKING_AFTER:
            self._status = "thinking"

    def _start(self) -> None:
        if not self._console.is_terminal or self._live is not None:
            return
        self.keyboard.silence()
        # A thread that redraws would do so between the erasing and the writing of a line that
        # stays, which then is erased with the next one: all is drawn by the event loop instead.
        self._live = Live(
            console=self._console,
            get_renderable=self.render_status,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)
        self._redraw()

    def _redraw(self) -> None:
        if self._live is None:
            return
        self._live.refresh()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # it is drawn outside of a loop, line by line
            return
        self._tick = loop.call_later(1 / _FRAMES_PER_SECOND, self._redraw)

    def _stop(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if self._live is not None:
            self._live.stop()
            self._live = None
        self.keyboard.restore()

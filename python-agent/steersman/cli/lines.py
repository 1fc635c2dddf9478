"""An event as lines for people: the pure part of the live view.

A step is its thought and, below it, one line for each call with its outcome. Everything that comes
from a model, a tool or a person goes through `visible` and never through rich's markup.
"""

from collections.abc import Callable, Mapping
from io import StringIO

from rich.console import Console
from rich.text import Text

from steersman.cli.calls import Call, call_line, detail_lines, duration
from steersman.cli.untrusted import one_line, visible
from steersman.core.events import JsonObject

FINAL_TYPES = frozenset({"task_completed", "task_failed", "task_stopped"})

_SAID_BY_EVENTS = frozenset({"finish_task", "ask_user"})
_INDENT = 5
_MAX_GOAL_LINES = 6
_MAX_THOUGHT_LINES = 16
_MAX_RESULT_LINES = 60
_MAX_WIDTH = 110
"""Longer lines are hard to read, however wide the terminal is."""
_MIN_WIDTH = 40

Lines = list[Text]


class LineMaker:
    """Turn a task's events, in their order, into lines. Remembers the calls that are open."""

    def __init__(self, width: int) -> None:
        self.resize(width)
        self._calls: dict[str, Call] = {}
        self._number = ""
        self._makers: Mapping[str, Callable[[JsonObject], Lines]] = {
            "task_submitted": self._submitted,
            "task_claimed": self._claimed,
            "thought_recorded": self._thought,
            "model_call_failed": self._model_failed,
            "question_asked": self._question,
            "action_started": lambda _: [],
            "action_succeeded": self._outcome,
            "action_failed": self._outcome,
            "action_interrupted": self._outcome,
            "message_added": self._message,
            "context_compacted": lambda _: self._note("older steps were summarised"),
            "approval_requested": self._approval,
            "approval_decided": self._decided,
            "task_paused": lambda e: self._note(f"paused by {e.get('by')}{_how_to_resume(e)}"),
            "task_resumed": lambda e: self._note(f"resumed by {e.get('by')}"),
            "stop_requested": self._stop,
            "command_refused": lambda e: self._note(f"refused: {e.get('code')}"),
            "task_completed": lambda e: self._final("Completed", "green", e.get("result")),
            "task_failed": self._failed,
            "task_stopped": self._stopped,
        }

    def lines_for(self, event: JsonObject) -> Lines:
        """Return what to append to the screen for one event, without trailing blank lines."""
        kind = str(event.get("type"))
        maker = self._makers.get(kind)
        lines = maker(event) if maker else self._note(kind)
        return [_fit(line, self.width) for line in lines]

    def resize(self, width: int) -> None:
        """Fit what follows to another width."""
        self.width = max(min(width, _MAX_WIDTH), _MIN_WIDTH)

    def running(self) -> str | None:
        """Name the first call that has no outcome yet, for the status line."""
        return next((call.title for call in self._calls.values()), None)

    def partial(self, text: str, height: int) -> Lines:
        """Return the end of a thought that is still streaming."""
        lines = self._wrapped(text)[-height:]
        return [_fit(_indented(line, style="dim"), self.width) for line in lines]

    def _submitted(self, event: JsonObject) -> Lines:
        goal = self._wrapped(str(event.get("goal", "")))
        shown = _capped(goal, _MAX_GOAL_LINES)
        about = [event.get("role"), event.get("task_id"), event.get("workspace")]
        facts = " · ".join(one_line(str(part)) for part in about if part)
        head = [Text(), Text.assemble((" ◆ ", "bold cyan"), (shown[0], "bold"))]
        rest = [_indented(line, style="bold", by=3) for line in shown[1:]]
        return [*head, *rest, _indented(facts, style="dim", by=3)]

    def _claimed(self, event: JsonObject) -> Lines:
        self._calls.clear()
        if event.get("reason") == "new":
            return []
        how = "taken over from a silent worker" if event.get("reason") == "takeover" else "resumed"
        return self._note(f"{how}, attempt {event.get('attempt')}")

    def _thought(self, event: JsonObject) -> Lines:
        actions: list[JsonObject] = event.get("actions") or []
        calls = [Call.of(action) for action in actions]
        self._calls = {call.action_id: call for call in calls}
        text = str(event.get("text") or "")
        if event.get("interrupted"):
            text = f"{text} … (cut)".strip()
        number = f"{event.get('step') or '':>3}  "
        if not text and calls:
            self._number = number
            return [Text()]
        wrapped = _capped(self._wrapped(text or "(no text)"), _MAX_THOUGHT_LINES)
        head = Text.assemble((number, "cyan"), wrapped[0])
        return [Text(), head, *(_indented(line) for line in wrapped[1:])]

    def _outcome(self, event: JsonObject) -> Lines:
        call = self._calls.pop(str(event.get("action_id")), None) or Call.unseen(event)
        if call.tool in _SAID_BY_EVENTS and event.get("type") == "action_succeeded":
            return []
        # A thought without words has its number before its first call.
        number, self._number = self._number, ""
        before = Text(number.ljust(_INDENT), style="cyan")
        head = Text.assemble(before, call_line(call, event, self.width - _INDENT))
        return [head, *(_indented(line, by=_INDENT + 2) for line in detail_lines(call, event))]

    def _model_failed(self, event: JsonObject) -> Lines:
        again = event.get("retry_at")
        then = f"; next try at {str(again)[11:19]} UTC" if again else ""
        what = one_line(f"{event.get('code')}: {event.get('message', '')}")
        head = f"! model {what}"
        room = self.width - _INDENT - len(then)
        return [Text(), _indented(_cut(head, room) + then, style="yellow")]

    def _question(self, event: JsonObject) -> Lines:
        wrapped = self._wrapped(str(event.get("question", "")))
        question = [Text.assemble(("   ? ", "bold cyan"), (wrapped[0], "bold"))]
        question += [_indented(line, style="bold") for line in wrapped[1:]]
        how = f'answer: steersman say {short_id(str(event.get("task_id")))} "…"'
        return [Text(), *question, _indented(how, style="dim")]

    def _approval(self, event: JsonObject) -> Lines:
        call = Call.of(event)
        self._calls.setdefault(call.action_id, call)
        head = Text.assemble(("   ? ", "bold cyan"), ("approve ", "bold"), (call.title, "bold"))
        ending = short_id(str(event.get("approval_id")))
        how = f"{one_line(str(event.get('reason')))}; steersman approve {ending}, or reject"
        return [Text(), head, _indented(how, style="dim")]

    def _decided(self, event: JsonObject) -> Lines:
        by = f" by {event.get('decided_by')}" if event.get("decision") != "expired" else ""
        edited = ", with other arguments" if event.get("arguments") else ""
        why = f": {event.get('reason')}" if event.get("reason") else ""
        return self._note(f"{event.get('decision')}{by}{edited}{why}")

    def _message(self, event: JsonObject) -> Lines:
        wrapped = self._wrapped(str(event.get("text", "")))
        head = Text.assemble(("   » ", "bold magenta"), wrapped[0])
        return [Text(), head, *(_indented(line) for line in wrapped[1:])]

    def _stop(self, event: JsonObject) -> Lines:
        reason = event.get("reason") or event.get("message")
        return self._note("stopping" + (f": {reason}" if reason else ""))

    def _failed(self, event: JsonObject) -> Lines:
        return self._final(f"Failed: {event.get('code')}", "red", event.get("message"))

    def _stopped(self, event: JsonObject) -> Lines:
        return self._final(f"Stopped by {event.get('by')}", "yellow", event.get("reason"))

    def _final(self, title: str, colour: str, body: object) -> Lines:
        wrapped = self._wrapped(str(body)) if body else []
        bar = (" ┃ ", colour)
        head = Text.assemble(bar, (one_line(title), f"bold {colour}"))
        shown = _capped(wrapped, _MAX_RESULT_LINES)
        return [Text(), head, *(Text.assemble(bar, line) for line in shown)]

    def _note(self, text: str) -> Lines:
        return [_indented(one_line(text), style="dim italic")]

    def _wrapped(self, text: str) -> list[str]:
        """Wrap at words by the width that characters take on a terminal."""
        console = Console(file=StringIO(), width=self.width)
        wrapped = Text(visible(text).strip()).wrap(console, self.width - _INDENT)
        return [line.plain.rstrip() for line in wrapped] or [""]


def short_id(task_id: str) -> str:
    """Return the end of an id, its random part, which every command takes for the whole."""
    return task_id[-8:]


def _how_to_resume(event: JsonObject) -> str:
    return f"; go on with: steersman resume {short_id(str(event.get('task_id')))}"


def spend_line(view: JsonObject) -> Text:
    """Say what a task has spent, from its view."""
    spent: JsonObject = view.get("spent") or {}
    tokens_in, tokens_out = spent.get("input_tokens", 0), spent.get("output_tokens", 0)
    steps = int(spent.get("steps", 0))
    parts = [
        f"{steps} step{'' if steps == 1 else 's'}",
        f"{tokens_in:,} tokens in, {tokens_out:,} out",
        *([f"${cost:.4f}"] if (cost := float(spent.get("cost_usd", 0))) else []),
        duration(round(float(spent.get("seconds", 0)) * 1_000)),
    ]
    return Text("   " + " · ".join(parts), style="dim")


def _indented(line: str | Text, *, style: str = "", by: int = _INDENT) -> Text:
    return Text.assemble(" " * by, line if isinstance(line, Text) else (line, style))


def _capped(lines: list[str], limit: int) -> list[str]:
    if len(lines) <= limit:
        return lines
    return [*lines[: limit - 1], f"… {len(lines) - limit + 1} more lines"]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _fit(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line

"""An event as lines for people: the pure part of the live view.

A step is its thought and, below it, one line for each call with its outcome. Everything that comes
from a model, a tool or a person goes through `visible` and never through rich's markup.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from rich.text import Text

from steersman.cli.calls import Call, call_line, detail_lines, duration, number
from steersman.cli.lettering import INDENT, Lines, capped, fit, indented, paragraph, wrap
from steersman.cli.team_lines import TEAM_KINDS, team_lines
from steersman.cli.untrusted import one_line, short_id
from steersman.cli.words import CTRL_C, refused
from steersman.core.events import JsonObject

FINAL_TYPES = frozenset({"task_completed", "task_failed", "task_stopped"})

_SAID_BY_EVENTS = frozenset(
    {"finish_task", "ask_user", "update_plan", "delegate_task", "wait_for_tasks"}
)
"""Calls that succeed by an event which has lines of its own."""

_WAITS = frozenset(
    ["question_asked", "approval_requested", "task_paused", "model_call_failed", "wait_started"]
)
"""After these the task is handed back, so that the next claim of it is nothing to speak of."""

_MAX_GOAL_LINES = 6
_MAX_THOUGHT_LINES = 16
_MAX_RESULT_LINES = 60
_MAX_WIDTH = 110
"""Longer lines are hard to read, however wide the terminal is."""
_MIN_WIDTH = 40
_UNCUT_WIDTH = 1_000_000


class LineMaker:
    """Turn a task's events, in their order, into lines. Remembers the calls that are open.

    `cuts`: a line ends with the screen; otherwise what is quoted is whole. `asks`: the person is
    asked about approvals and questions elsewhere.
    """

    def __init__(self, width: int, *, cuts: bool = True, asks: bool = False) -> None:
        self.resize(width)
        self.models: dict[str, None] = {}
        self._cuts, self._asks = cuts, asks
        self._calls: dict[str, Call] = {}
        self._number = ""
        self._waited = False
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
            **dict.fromkeys(TEAM_KINDS, lambda e: team_lines(e, self.width)),
            "context_compacted": lambda _: self._note("older steps were summarised"),
            "approval_requested": self._approval,
            "approval_decided": self._decided,
            "task_paused": lambda e: self._note(f"paused by {e.get('by')}{_how_to_resume(e)}"),
            "task_resumed": lambda e: self._note(f"resumed by {e.get('by')}"),
            "stop_requested": self._stop,
            "command_refused": lambda e: self._note(refused(e.get("code"))),
            "task_completed": lambda e: self._final("Completed", "green", e.get("result")),
            "task_failed": self._failed,
            "task_stopped": self._stopped,
        }

    def lines_for(self, event: JsonObject) -> Lines:
        """Return what to append to the screen for one event, without trailing blank lines."""
        kind = str(event.get("type"))
        maker = self._makers.get(kind)
        lines = maker(event) if maker else self._note(kind)
        self._waited = self._waited or kind in _WAITS
        return [fit(line, self.width) for line in lines] if self._cuts else lines

    def resize(self, width: int) -> None:
        """Fit what follows to another width."""
        self.width = max(min(width, _MAX_WIDTH), _MIN_WIDTH)

    def running(self) -> str | None:
        """Name the first call that has no outcome yet, for the status line."""
        return next((call.title for call in self._calls.values()), None)

    def partial(self, text: str, height: int) -> Lines:
        """Return the end of a thought that is still streaming."""
        lines = wrap(text, self.width - INDENT)[-height:]
        return [fit(indented(line, style="dim"), self.width - 1) for line in lines]

    def remark(self, text: str) -> Lines:
        """Return a remark of the command itself."""
        width = self.width if self._cuts else _UNCUT_WIDTH
        return paragraph(one_line(text), width, style="dim", by=3)

    def _submitted(self, event: JsonObject) -> Lines:
        goal = capped(wrap(str(event.get("goal", "")), self.width - INDENT), _MAX_GOAL_LINES)
        # A workspace without a name has its conversation's.
        named = event.get("workspace") != event.get("conversation_id")
        workspace = f"workspace {event['workspace']}" if named and event.get("workspace") else None
        about = [event.get("role"), workspace, f"task {short_id(event.get('task_id'))}"]
        facts = " · ".join(one_line(part) for part in about if part)
        head = [Text(), Text.assemble((" ◆ ", "bold cyan"), (goal[0], "bold"))]
        rest = [indented(line, style="bold", by=3) for line in goal[1:]]
        return [*head, *rest, *paragraph(facts, self.width, style="dim", by=3)]

    def _claimed(self, event: JsonObject) -> Lines:
        waited, self._waited = self._waited, False
        if event.get("reason") == "takeover":
            return self._note(f"taken over from a silent worker, attempt {event.get('attempt')}")
        if event.get("reason") == "new" or waited:
            return []
        return self._note(f"resumed after a restart, attempt {event.get('attempt')}")

    def _thought(self, event: JsonObject) -> Lines:
        actions: list[JsonObject] = event.get("actions") or []
        calls = [Call.of(action) for action in actions]
        self._calls = {call.action_id: call for call in calls}
        if event.get("model"):
            self.models[one_line(event["model"])] = None
        text = str(event.get("text") or "")
        if event.get("interrupted"):
            text = f"{text} … (cut)".strip()
        number = f"{one_line(event.get('step') or ''):>3}  "
        if not text and calls:
            self._number = number
            return [Text()]
        lines = capped(wrap(text or "(no text)", self.width - INDENT), _MAX_THOUGHT_LINES)
        head = Text.assemble((number, "cyan"), lines[0])
        return [Text(), head, *(indented(line) for line in lines[1:])]

    def _outcome(self, event: JsonObject) -> Lines:
        call = self._calls.pop(str(event.get("action_id")), None) or Call.unseen(event)
        if call.tool in _SAID_BY_EVENTS and event.get("type") == "action_succeeded":
            return []
        # A thought without words has its number before its first call.
        number, self._number = self._number, ""
        before = Text(number.ljust(INDENT), style="cyan")
        room = (self.width if self._cuts else _UNCUT_WIDTH) - INDENT
        head = Text.assemble(before, call_line(call, event, room))
        return [head, *(indented(line, by=INDENT + 2) for line in detail_lines(call, event))]

    def _model_failed(self, event: JsonObject) -> Lines:
        again = event.get("retry_at")
        then = f"; next try at {clock_time(again)}" if again else ""
        what = f"! model {event.get('code')}: {event.get('message', '')}"
        return [Text(), *paragraph(one_line(what) + then, self.width, style="yellow")]

    def _question(self, event: JsonObject) -> Lines:
        lines = wrap(str(event.get("question", "")), self.width - INDENT)
        question = [Text.assemble(("   ? ", "bold cyan"), (lines[0], "bold"))]
        question += [indented(line, style="bold") for line in lines[1:]]
        if self._asks:
            return [Text(), *question]
        how = f'answer: steersman say {short_id(event.get("task_id"))} "…"'
        return [Text(), *question, indented(how, style="dim")]

    def _approval(self, event: JsonObject) -> Lines:
        call = Call.of(event)
        self._calls.setdefault(call.action_id, call)
        if self._asks:
            return []
        ending = short_id(event.get("approval_id"))
        head = Text.assemble(("   ? ", "bold cyan"), (f"{ending} waits for approval", "bold"))
        room = (self.width if self._cuts else _UNCUT_WIDTH) - INDENT
        shown = fit(indented(call.title), room)
        how = f"steersman approvals shows all of it; steersman approve {ending}, or reject"
        why = one_line(event.get("reason"))
        rest = [line for text in (why, how) for line in paragraph(text, self.width, style="dim")]
        return [Text(), head, shown, *rest]

    def _decided(self, event: JsonObject) -> Lines:
        by = f" by {event.get('decided_by')}" if event.get("decision") != "expired" else ""
        edited = ", with other arguments" if event.get("arguments") else ""
        later = ", and the same from now on" if event.get("remember") else ""
        why = f": {event.get('reason')}" if event.get("reason") else ""
        return self._note(f"{event.get('decision')}{by}{edited}{later}{why}")

    def _message(self, event: JsonObject) -> Lines:
        lines = wrap(str(event.get("text", "")), self.width - INDENT)
        head = Text.assemble(("   » ", "bold magenta"), lines[0])
        return [Text(), head, *(indented(line) for line in lines[1:])]

    def _stop(self, event: JsonObject) -> Lines:
        reason = event.get("reason") or event.get("message")
        if reason == CTRL_C:  # whoever pressed it has been told
            return []
        return self._note("stopping" + (f": {reason}" if reason else ""))

    def _failed(self, event: JsonObject) -> Lines:
        return self._final(f"Failed: {event.get('code')}", "red", event.get("message"))

    def _stopped(self, event: JsonObject) -> Lines:
        by = f"Stopped by {event.get('by')}"
        if event.get("reason") == CTRL_C:
            return self._final(f"{by}: {CTRL_C}", "yellow", None)
        return self._final(by, "yellow", event.get("reason"))

    def _final(self, title: str, colour: str, body: object) -> Lines:
        lines = wrap(str(body), self.width - INDENT) if body else []
        bar = (" ┃ ", colour)
        head = Text.assemble(bar, (one_line(title), f"bold {colour}"))
        return [
            Text(),
            head,
            *(Text.assemble(bar, one) for one in capped(lines, _MAX_RESULT_LINES)),
        ]

    def _note(self, text: str) -> Lines:
        return paragraph(one_line(text), self.width, style="dim italic")


def clock_time(moment: object) -> str:
    """Write a moment of today as the clock on the wall shows it."""
    try:
        return f"{datetime.fromisoformat(str(moment)).astimezone():%H:%M:%S}"
    except ValueError:
        return one_line(moment)


def _how_to_resume(event: JsonObject) -> str:
    return f"; go on with: steersman resume {short_id(event.get('task_id'))}"


def spend_lines(view: JsonObject, width: int, models: Iterable[str] = ()) -> Lines:
    """Say what a task has spent, from its view, and on which models."""
    spent: JsonObject = view.get("spent") or {}
    tokens_in, tokens_out = number(spent.get("input_tokens")), number(spent.get("output_tokens"))
    steps = number(spent.get("steps"))
    parts = [
        f"{steps} step{'' if steps == 1 else 's'}",
        f"{tokens_in:,} tokens in, {tokens_out:,} out",
        *([f"${cost:.4f}"] if (cost := number(spent.get("cost_usd"))) else []),
        duration(round(number(spent.get("seconds")) * 1_000)),
        *models,
    ]
    return paragraph(" · ".join(parts), width, style="dim", by=3)

"""What has been said and done, as a prompt shows it: kept up to date event by event.

A turn is a thought with its calls and their outcomes, and what people said before the next one.
Turns are only ever appended, so the beginning of the prompt is the same from step to step and a
provider's prompt cache hits, with two exceptions: a file that is read again replaces what was read
of it before, and a compaction replaces the oldest turns by a summary.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from steersman.core import events as ev
from steersman.core.ids import ActionId
from steersman.core.model import (
    AssistantMessage,
    OutcomeMessage,
    PromptMessage,
    RecordedCall,
    UserMessage,
)
from steersman.core.outcomes import outcome_text
from steersman.core.text import head_and_tail, shorten

BYTES_PER_TOKEN = 3.5
"""On the safe side: English prose has about 4.5 bytes a token, code about 3.5."""

_NO_OUTCOME = "(no outcome: the call was cut off before it ended)"
_SUPERSEDED = "(an older version of this file; a newer one was read later, see below)"
_BLANK = "(a blank message)"
_READ_TOOL = "read_file"
_MIN_OUTCOME_BYTES = 400
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_MAX_NAME = 64
"""Providers refuse a whole prompt for one call by a name that is longer or has other characters."""


@dataclass(slots=True)
class Turn:
    """A thought and what followed. `first_seq` and `last_seq` bound its events in the log."""

    first_seq: int
    last_seq: int
    reply: AssistantMessage | None = None
    outcomes: dict[ActionId, str] = field(default_factory=dict[ActionId, str])
    said: list[str] = field(default_factory=list[str])
    size_bytes: int = 0
    rendered: tuple[PromptMessage, ...] | None = None

    def changed(self) -> None:
        """Have the turn rendered anew; most never change once the next has begun."""
        self.rendered = None

    @property
    def messages(self) -> tuple[PromptMessage, ...]:
        """Render the turn; a call without an outcome gets a note in its place."""
        if self.rendered is None:
            self.rendered = tuple(_render(self))
        return self.rendered

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """Return the calls of the thought, if there is one."""
        return self.reply.calls if self.reply else ()


@dataclass(frozen=True, slots=True)
class _Read:
    turn: Turn
    action_id: ActionId


class Transcript:
    """The part of a task's log that its next prompt shows.

    `text_limit_bytes` bounds each single text. A turn gets about three of them beside what the
    model wrote itself, so that the newest one, which always stays, cannot fill the window.
    """

    def __init__(self, text_limit_bytes: int) -> None:
        self._text_limit = text_limit_bytes
        self._question: ActionId | None = None
        self._edited: dict[ActionId, str] = {}
        self._reads: dict[str, list[_Read]] = {}
        self.summary = ""
        self.turns: list[Turn] = []

    def add(self, seq: int, event: ev.Event) -> None:
        """Take in one event; they must come in the log's order."""
        match event:
            case ev.ThoughtRecorded() as thought:
                self._thought(seq, thought)
            case ev.ActionSucceeded() | ev.ActionFailed() | ev.ActionInterrupted() as outcome:
                self._outcome(seq, outcome)
            case ev.ApprovalDecided(arguments=edited) as decided if edited is not None:
                self._edited[decided.action_id] = json.dumps(edited, ensure_ascii=False)
            case ev.QuestionAsked() as asked:
                self._question = asked.action_id
            case ev.MessageAdded() as message:
                self._message(seq, message)
            case ev.ChildFinished() as child:
                self._said(seq, _reported(child))
            case ev.ContextCompacted() as compacted:
                self._compacted(compacted)
            case _:
                pass

    def messages(self) -> Iterator[PromptMessage]:
        """Render everything; each call is followed by exactly one outcome."""
        if self.summary:
            yield UserMessage(self.summary)
        for turn in self.turns:
            yield from turn.messages

    @property
    def size_bytes(self) -> int:
        """How much the rendered messages hold."""
        return len(self.summary.encode()) + sum(turn.size_bytes for turn in self.turns)

    def _thought(self, seq: int, thought: ev.ThoughtRecorded) -> None:
        calls = tuple(
            RecordedCall(action.action_id, _function_name(action.tool), action.arguments)
            for action in thought.actions
        )
        text = head_and_tail(thought.text, self._text_limit) if thought.text.strip() else ""
        if thought.interrupted:
            text = f"{text}\n(interrupted)" if text else ""
        reply = AssistantMessage(text, calls) if text or calls else None
        size = len(text.encode()) + sum(map(_call_bytes, calls))
        self.turns.append(Turn(seq, seq, reply, size_bytes=size))

    def _outcome(self, seq: int, outcome: ev.Outcome) -> None:
        turn = self._turn(seq)
        if isinstance(outcome, ev.ActionSucceeded) and outcome.tool == _READ_TOOL:
            self._supersede(turn, outcome.action_id)
        text = outcome_text(outcome)
        if edited := self._edited.pop(outcome.action_id, None):
            text = f"(a person changed the arguments of this call to {edited})\n{text}"
        text = head_and_tail(text, self._outcome_limit(turn))
        turn.outcomes[outcome.action_id] = text
        turn.size_bytes += len(text.encode())
        self._question = None if self._question == outcome.action_id else self._question

    def _outcome_limit(self, turn: Turn) -> int:
        """Share three texts out among a turn's calls, less what their arguments take."""
        written = sum(map(_call_bytes, turn.calls))
        room = max(3 * self._text_limit - written, self._text_limit)
        return max(min(self._text_limit, room // max(len(turn.calls), 1)), _MIN_OUTCOME_BYTES)

    def _message(self, seq: int, message: ev.MessageAdded) -> None:
        if self._question is not None:
            self._turn(seq)
            return
        # Providers refuse a whole prompt for one text of white space.
        self._said(seq, message.text if message.text.strip() else _BLANK)

    def _said(self, seq: int, whole: str) -> None:
        turn, text = self._turn(seq), head_and_tail(whole, self._text_limit)
        size = len(text.encode())
        said = sum(len(earlier.encode()) for earlier in turn.said)
        closed = all(call.action_id in turn.outcomes for call in turn.calls)
        if closed and said and said + size > self._text_limit:
            # Long messages in a row are turns of their own, so that the older ones can make room.
            turn = Turn(seq, seq)
            self.turns.append(turn)
        turn.said.append(text)
        turn.size_bytes += size

    def _turn(self, seq: int) -> Turn:
        if not self.turns:
            self.turns.append(Turn(seq, seq))
        newest = self.turns[-1]
        newest.last_seq = seq
        newest.changed()
        return newest

    def _supersede(self, turn: Turn, action_id: ActionId) -> None:
        """Blank what this read shows anew: the same lines, or all of the file."""
        arguments = _arguments(turn, action_id)
        whole = not {"start_line", "end_line"} & arguments.keys()
        path = str(arguments.get("path"))
        kept: list[_Read] = []
        for read in self._reads.get(path, []):
            if whole or _arguments(read.turn, read.action_id) == arguments:
                _blank(read.turn, read.action_id)
            else:
                kept.append(read)
        self._reads[path] = [*kept, _Read(turn, action_id)]

    def _compacted(self, compacted: ev.ContextCompacted) -> None:
        self.summary = compacted.summary
        self.turns = [turn for turn in self.turns if turn.first_seq > compacted.through_seq]
        first = compacted.through_seq + 1
        self._reads = {
            path: [read for read in reads if read.turn.first_seq >= first]
            for path, reads in self._reads.items()
        }


def _reported(child: ev.ChildFinished) -> str:
    """Tell of a child's end. What it says is its own word, and what it read may speak in it."""
    head = f"The task {child.child_id}, which you delegated, has ended: {child.state}. It reports:"
    return f"{head}\n{child.result or '(nothing)'}"


def _render(turn: Turn) -> Iterator[PromptMessage]:
    if turn.reply:
        yield turn.reply
        for call in turn.calls:
            text = turn.outcomes.get(call.action_id, _NO_OUTCOME)
            yield OutcomeMessage(call.action_id, call.tool, text)
    for text in turn.said:
        yield UserMessage(text)


def digest(turn: Turn) -> str:
    """Shorten a turn to a few lines for a summary. What people said is kept the longest."""
    lines: list[str] = []
    if turn.reply and turn.reply.text:
        lines.append(f"- thought: {shorten(turn.reply.text, 240)}")
    for call in turn.calls:
        arguments = ", ".join(f"{k}={shorten(str(v), 60)}" for k, v in call.arguments.items())
        outcome = shorten(turn.outcomes.get(call.action_id, _NO_OUTCOME), 200)
        lines.append(f"- {call.tool}({arguments}) → {outcome}")
    lines += [f"- the person said: {shorten(text, 1_000)}" for text in turn.said]
    return "\n".join(lines)


def _arguments(turn: Turn, action_id: ActionId) -> ev.JsonObject:
    found = (call.arguments for call in turn.calls if call.action_id == action_id)
    return next(found, ev.JsonObject())


def _function_name(tool: str) -> str:
    """Write a tool's name so that every provider takes it; models also call what does not exist."""
    return _NOT_IN_NAMES.sub("_", tool)[:_MAX_NAME] or "_"


def _call_bytes(call: RecordedCall) -> int:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return len(arguments.encode()) + len(call.tool) + 60


def _blank(turn: Turn, action_id: ActionId) -> None:
    text = turn.outcomes.get(action_id)
    if text is not None and len(text) > len(_SUPERSEDED):
        turn.outcomes[action_id] = _SUPERSEDED
        turn.changed()
        turn.size_bytes -= len(text.encode()) - len(_SUPERSEDED.encode())

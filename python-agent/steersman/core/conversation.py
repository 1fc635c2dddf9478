"""What a task is told of those that came before it in its conversation.

What had ended before a task became active is fixed by the store for the whole life of the task, and
the text is made of that by rules, so every process shows the model the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from steersman.core.text import head_and_tail

TITLE_CHARACTERS = 80
MOST_EARLIER = 20
"""Older tasks of a conversation are only counted."""

_LEAST_BYTES = 240
_OVERHEAD_BYTES = 60
"""What the template writes around one task."""


@dataclass(frozen=True, slots=True)
class EarlierTask:
    """A task of the same conversation that has ended. `outcome` is its result or its error."""

    goal: str
    state: str
    outcome: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """The tasks that had ended before, newest last. `count` counts also those not in `tasks`."""

    tasks: tuple[EarlierTask, ...] = ()
    count: int = 0


def earlier_values(earlier: Earlier, limit_bytes: int) -> Mapping[str, object]:
    """Return what the template shows: of each task half of the room that newer ones left.

    So older tasks are shortened first, and those for which too little is left are only counted.
    """
    shown: list[EarlierTask] = []
    room = limit_bytes - _OVERHEAD_BYTES
    for task in reversed(earlier.tasks):
        if room < _LEAST_BYTES:
            break
        short = _shortened(task, max(room // 2, _LEAST_BYTES) - _OVERHEAD_BYTES)
        shown.append(short)
        room -= _size(short) + _OVERHEAD_BYTES
    return {"tasks": shown[::-1], "left_out": earlier.count - len(shown)}


def _shortened(task: EarlierTask, limit: int) -> EarlierTask:
    """Give a quarter to the goal, a quarter to what people said, and to the outcome the rest."""
    if _size(task) <= limit:
        return task
    messages = _newest(task.messages, limit // 4)
    goal = head_and_tail(task.goal, limit // 4)
    left = limit - len(goal.encode()) - sum(len(text.encode()) for text in messages)
    return EarlierTask(goal, task.state, head_and_tail(task.outcome, left), messages)


def _newest(messages: tuple[str, ...], limit: int) -> tuple[str, ...]:
    kept: list[str] = []
    for text in reversed(messages):
        if limit < _OVERHEAD_BYTES:
            break
        kept.append(head_and_tail(text, limit))
        limit -= len(kept[-1].encode())
    return tuple(reversed(kept))


def _size(task: EarlierTask) -> int:
    return sum(len(text.encode()) for text in (task.goal, task.outcome, *task.messages))

"""Make room in the prompt: replace the oldest turns by a summary of a few lines each."""

from steersman.core.events import ContextCompacted
from steersman.core.limits import Usage
from steersman.core.text import json_bytes
from steersman.core.transcript import Transcript, digest

_HEADING = "What happened earlier in this task, shortened:"


def compaction(
    transcript: Transcript, *, turns_bytes: int, summary_bytes: int
) -> ContextCompacted | None:
    """Replace the oldest turns when all of them take too much; the newest always stays whole."""
    if transcript.size_bytes <= turns_bytes or len(transcript.turns) < 2:
        return None
    size, keep_from = transcript.turns[-1].size_bytes, len(transcript.turns) - 1
    while keep_from > 1 and size + transcript.turns[keep_from - 1].size_bytes < (turns_bytes // 2):
        keep_from -= 1
        size += transcript.turns[keep_from].size_bytes
    gone = transcript.turns[:keep_from]
    lines = transcript.summary.removeprefix(_HEADING).strip().splitlines()
    lines += "\n".join(digest(turn) for turn in gone).splitlines()
    return ContextCompacted(
        through_seq=gone[-1].last_seq,
        summary=_summary(lines, summary_bytes),
        usage=Usage(),
    )


def _summary(lines: list[str], limit_bytes: int) -> str:
    """Keep the newest lines that fit; what people said outlives what the agent did."""
    room = limit_bytes - 200
    kept: set[int] = set()
    for number in _most_important_first(lines):
        if (room := room - json_bytes(lines[number])) < 0:
            break
        kept.add(number)
    shown = [lines[number] for number in sorted(kept)]
    omitted = len(lines) - len(shown)
    note = [f"- ({omitted} earlier lines are left out)"] if omitted else []
    return "\n".join([_HEADING, *note, *shown])


def _most_important_first(lines: list[str]) -> list[int]:
    """Return the numbers of the lines: equal ones, of calls made again, each take their room."""
    said = [n for n, line in enumerate(lines) if line.startswith("- the person said:")]
    done = [n for n, line in enumerate(lines) if not line.startswith("- the person said:")]
    return said[::-1][:20] + done[::-1]

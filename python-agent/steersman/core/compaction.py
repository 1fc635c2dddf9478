"""Make room in the prompt: replace the oldest turns by a summary of a few lines each."""

from steersman.core.events import ContextCompacted
from steersman.core.limits import Usage
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
    kept: list[str] = []
    for line in _most_important_first(lines):
        if (room := room - len(line.encode()) - 1) < 0:
            break
        kept.append(line)
    chosen = set(kept)
    shown = [line for line in lines if line in chosen]
    omitted = len(lines) - len(shown)
    note = [f"- ({omitted} earlier lines are left out)"] if omitted else []
    return "\n".join([_HEADING, *note, *shown])


def _most_important_first(lines: list[str]) -> list[str]:
    said = [line for line in lines if line.startswith("- the person said:")]
    done = [line for line in lines if not line.startswith("- the person said:")]
    return said[::-1][:20] + done[::-1]

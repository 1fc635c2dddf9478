"""Tasks as lines."""

from datetime import UTC, datetime

import pytest

from steersman.cli.listing import task_line, view_lines
from steersman.core.events import JsonObject
from tests.agent.cli.samples import TASK_ID

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
VIEW: JsonObject = {
    "task_id": TASK_ID,
    "goal": "Mend\n\x1b[2Jit",
    "conversation_id": "01997a3e-3333-7abc-8def-012389abcdef",
    "role": "developer",
    "workspace": "shop",
    "state": "waiting",
    "waiting_for": ["message"],
    "question": "Which?",
    "step": 3,
    "created_at": "2026-11-24T14:30:00.000Z",
    "spent": {"steps": 3},
}


@pytest.mark.parametrize(
    ("created_at", "age"),
    [
        ("2026-11-24T14:59:30.000Z", "30 s"),
        ("2026-11-24T14:30:00.000Z", "30 min"),
        ("2026-11-24T10:00:00.000Z", "5 h"),
        ("2026-11-20T10:00:00.000Z", "4 d"),
        ("2026-11-24T15:00:09.000Z", "0 s"),
    ],
)
def test_a_task_is_one_line(created_at: str, age: str) -> None:
    line = task_line({**VIEW, "created_at": created_at}, NOW).plain
    assert line == f"456789ab  waiting    {age:>6}      3  Mend ␛[2Jit"


def shown(**fields: object) -> list[str]:
    return [line.plain for line in view_lines({**VIEW, **fields}, 80)]


def test_a_waiting_task_shows_its_question() -> None:
    assert shown()[4:] == [
        "   waiting for an answer at step 3 · conversation 89abcdef",
        "",
        "   ? Which?",
        '     answer: steersman say 456789ab "…"',
        "   3 steps · 0 tokens in, 0 out · 0 ms",
        "",
    ]


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        (
            {"state": "completed", "result": "Done."},
            ["   completed at step 3 · conversation 89abcdef", "", " ┃ Completed", " ┃ Done."],
        ),
        (
            {"state": "failed", "error": {"code": "stuck", "message": "m"}},
            ["   failed at step 3 · conversation 89abcdef", "", " ┃ Failed: stuck", " ┃ m"],
        ),
        ({"state": "stopped"}, ["   stopped at step 3 · conversation 89abcdef"]),
    ],
)
def test_an_ended_task_shows_its_end(fields: JsonObject, lines: list[str]) -> None:
    assert shown(**{"waiting_for": [], "question": None, **fields})[4:-2] == lines

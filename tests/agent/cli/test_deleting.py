"""Ages, and conversations as lines."""

from datetime import UTC, datetime, timedelta

import pytest

from steersman.cli.conversations import conversation_line
from steersman.cli.deleting import moment_before
from steersman.core.errors import Invalid

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "span"),
    [("30d", timedelta(days=30)), (" 12h ", timedelta(hours=12)), ("2w", timedelta(days=14))],
)
def test_an_age_is_a_number_with_its_unit(age: str, span: timedelta) -> None:
    assert moment_before(age, NOW) == NOW - span


@pytest.mark.parametrize("age", ["", "d", "30", "30 d", "30m", "-1d", "1.5d", "٣d", "9" * 12 + "d"])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    with pytest.raises(Invalid, match="--older-than"):
        moment_before(age, NOW)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"task_count": 2}, "456789ab  idle     30 s      2  A\u241b[2Jb"),
        (
            {"task_count": 1, "active_task_id": "x"},
            "456789ab  busy     30 s      1  A\u241b[2Jb",
        ),
    ],
)
def test_a_conversation_is_one_line(fields: dict[str, object], line: str) -> None:
    item = {
        "conversation_id": "01997a3e-1111-7abc-8def-0123456789ab",
        "title": "A\x1b[2Jb",
        "updated_at": "2026-11-24T14:59:30.000Z",
        "active_task_id": None,
        **fields,
    }
    assert conversation_line(item, NOW).plain == line

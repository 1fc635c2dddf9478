"""Each event as the lines that stay on the screen."""

from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from steersman.cli.lines import LineMaker, spend_lines
from steersman.core.events import JsonObject
from tests.agent.cli.samples import COMPLETED, SUBMITTED, event, failed, succeeded, thought


def shown(*events: JsonObject, width: int = 80) -> list[str]:
    maker = LineMaker(width)
    return [line.plain for wire in events for line in maker.lines_for(wire)]


def test_the_head_names_goal_role_task_and_workspace() -> None:
    assert shown(SUBMITTED) == [
        "",
        " ◆ Mend it",
        "   developer · workspace shop · task 456789ab",
    ]


def test_a_step_is_its_thought_and_a_line_for_each_call() -> None:
    look = ("list_files", {"path": "."})
    read = ("read_file", {"path": "a.py", "start_line": 3, "end_line": 9})
    assert shown(
        thought(1, "I look.", look, read),
        succeeded("1.0", "list_files", "a.py\nb.py", duration_ms=3),
        succeeded("1.1", "read_file", "x", duration_ms=1500),
    ) == [
        "",
        "  1  I look.",
        "     ✓ list_files .  2 lines  3 ms",
        "     ✓ read_file a.py  3-9  1 line  1.5 s",
    ]


def test_a_thought_without_words_has_its_number_at_its_first_call() -> None:
    call = ("list_files", {})
    assert shown(
        thought(2, "", call, call), *(succeeded(f"2.{n}", "list_files") for n in (0, 1))
    ) == [
        "",
        "  2  ✓ list_files  0 lines",
        "     ✓ list_files  0 lines",
    ]


def test_a_command_that_fails_shows_its_exit_code_and_its_last_words() -> None:
    output = "\n".join(["first", *(f"line {n}" for n in range(9)), "", "=====", "FAILED"])
    command = ("execute_terminal_command", {"command": "python -m unittest"})
    assert shown(
        thought(1, "Test.", command),
        succeeded("1.0", command[0], output, exit_code=1, duration_ms=61_000),
    )[2:] == [
        "     ✗ execute_terminal_command python -m unittest  exit 1  1 min 1 s",
        "       … 4 more lines",
        *(f"       line {n}" for n in range(3, 9)),
        "       FAILED",
    ]


def test_an_edit_is_a_diff() -> None:
    edit = {"path": "a.py", "old_text": "a\nb\nc\nd", "new_text": "a\nb\nC\nd"}
    assert shown(thought(1, "Edit.", ("edit_file", edit)), succeeded("1.0", "edit_file"))[2:] == [
        "     ✓ edit_file a.py",
        "         b",
        "       - c",
        "       + C",
        "         d",
    ]


def test_a_long_new_file_is_cut() -> None:
    write = {"path": "a.py", "content": "".join(f"{n}\n" for n in range(40))}
    lines = shown(thought(1, "W.", ("write_file", write)), succeeded("1.0", "write_file"))
    assert (len(lines), lines[-2:]) == (15, ["       + 10", "       … 29 more lines"])


def test_an_argument_that_the_log_keeps_apart_shows_its_size() -> None:
    write = {"path": "a.py", "content": {"artifact": "0" * 64, "bytes": 20_000}}
    lines = shown(thought(1, "W.", ("write_file", write)), succeeded("1.0", "write_file"))
    assert lines[2:] == ["     ✓ write_file a.py", "       + (20,000 bytes)"]


def test_a_failed_action_shows_code_and_message() -> None:
    assert shown(
        thought(1, "E.", ("edit_file", {"path": "a.py", "old_text": "x"})),
        failed("1.0", "edit_file", "not_unique", "old_text occurs 2 times"),
    )[2:] == ["     ✗ edit_file a.py  not_unique", "       old_text occurs 2 times"]


def test_an_outcome_whose_thought_was_before_the_cursor() -> None:
    outcome = event("action_interrupted", action_id="x", tool="mcp", reason="outcome_unknown")
    assert shown(outcome) == ["     ■ mcp  outcome unknown"]


def test_a_question_says_how_to_answer_and_the_answer_follows() -> None:
    assert shown(
        event("question_asked", question="Which one?"),
        event("message_added", text="The first."),
        succeeded("1.0", "ask_user", "The first."),
    ) == [
        "",
        "   ? Which one?",
        '     answer: steersman say 456789ab "…"',
        "",
        "   » The first.",
    ]


def test_a_model_failure_says_when_it_is_tried_again() -> None:
    wire = event(
        "model_call_failed",
        code="rate_limited",
        message="slow\ndown",
        retry_at="2026-11-24T14:00:30.000Z",
    )
    at = datetime(2026, 11, 24, 14, 0, 30, tzinfo=UTC).astimezone()
    assert shown(wire) == [
        "",
        f"     ! model rate_limited: slow down; next try at {at:%H:%M:%S}",
    ]


@pytest.mark.parametrize(
    ("wire", "lines"),
    [
        (COMPLETED, ["", " ┃ Completed", " ┃ Mended."]),
        (
            event("task_failed", code="max_steps", message="50 steps"),
            ["", " ┃ Failed: max_steps", " ┃ 50 steps"],
        ),
        (event("task_stopped", by="local", reason=None), ["", " ┃ Stopped by local"]),
        (event("task_stopped", by="local", reason="Ctrl-C"), ["", " ┃ Stopped by local: Ctrl-C"]),
        (event("stop_requested", by="local", reason="Ctrl-C"), []),
        (event("task_claimed", reason="new", attempt=1), []),
        (
            event("task_claimed", reason="resumed", attempt=2),
            ["     resumed after a restart, attempt 2"],
        ),
        (event("stop_requested", by="local", reason="enough"), ["     stopping: enough"]),
        (
            event("task_paused", by="local"),
            ["     paused by local; go on with: steersman resume 456789ab"],
        ),
        (event("task_resumed", by="local"), ["     resumed by local"]),
        (
            event("command_refused", code="already_stopping"),
            ["     it was stopping already"],
        ),
        (event("command_refused", code="no_such_code"), ["     refused: no_such_code"]),
        (event("something_new", x=1), ["     something_new"]),
        (event("something_new\x1b[2J"), ["     something_new␛[2J"]),
    ],
)
def test_other_events(wire: JsonObject, lines: list[str]) -> None:
    assert shown(wire) == lines


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = "漢字 " * 200 + "x" * 300
    lines = shown(
        event("task_submitted", goal=wide, role=wide, workspace="w"),
        thought(1, wide, ("execute_terminal_command", {"command": wide}), (wide, {"a": wide})),
        succeeded("1.0", "execute_terminal_command", wide, exit_code=3, duration_ms=5),
        failed("1.1", wide, wide, wide),
        event("model_call_failed", code="x", message=wide, retry_at="2026-11-24T14:00:30.000Z"),
        event("question_asked", question=wide),
        event("task_completed", result=wide),
        width=width,
    )
    assert max(map(cell_len, lines)) <= min(width, 110)


@pytest.mark.parametrize(
    "field", ["goal", "text", "question", "result", "message", "reason", "by", "role", "code"]
)
def test_nothing_untrusted_reaches_the_terminal_raw(field: str) -> None:
    evil = "[red]x[/red]\x1b[31m\u202e\x07"
    kinds = ("task_submitted", "thought_recorded", "question_asked", "message_added")
    ends = ("stop_requested", "task_completed", "task_failed", "task_stopped", "model_call_failed")
    text = "\n".join(shown(*(event(kind, **{field: evil}) for kind in (*kinds, *ends))))
    assert not {"\x1b", "\u202e", "\x07"} & set(text)
    assert "[red]x[/red]␛[31m<U+202E>␇" in text


def test_odd_shapes_do_not_end_the_view() -> None:
    odd = [
        event("thought_recorded", step=None, text=None, actions=None),
        event("thought_recorded", step=1, text="t", actions=[{"arguments": [1]}]),
        event("action_succeeded", output=None, exit_code=None),
        event("task_completed"),
        {},
    ]
    assert shown(*odd)


def test_the_spend_line() -> None:
    view = {
        "spent": {
            "steps": 7,
            "input_tokens": 12345,
            "output_tokens": 678,
            "cost_usd": 0.0123,
            "seconds": 74.25,
        }
    }
    (line,) = spend_lines(view, 80)
    assert line.plain == "   7 steps · 12,345 tokens in, 678 out · $0.0123 · 1 min 14 s"
    (empty,) = spend_lines({}, 80, ["openai/x"])
    assert empty.plain == "   0 steps · 0 tokens in, 0 out · 0 ms · openai/x"
    assert max(len(line.plain) for line in spend_lines(view, 40)) <= 40

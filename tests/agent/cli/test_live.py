"""The live view on a terminal and without one."""

import io

from rich.console import Console

from steersman.cli.live import LiveView, PartialThought
from steersman.core.events import JsonObject
from tests.agent.cli.samples import COMPLETED, SUBMITTED, delta, event, succeeded, thought


def played(*events: JsonObject, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=terminal, color_system=None)
    with LiveView(console) as view:
        for wire in events:
            view.show(wire)
        view.finish({"spent": {"steps": 1}})
    return out.getvalue()


LOG = (
    SUBMITTED,
    delta("I lo", 0),
    thought(1, "I look.", ("list_files", {})),
    succeeded("1.0", "list_files", "a"),
    COMPLETED,
)
LINES = """
 ◆ Mend it
   developer · workspace shop · task 456789ab

  1  I look.
     ✓ list_files  1 line

 ┃ Completed
 ┃ Mended.
   1 step · 0 tokens in, 0 out · 0 ms

"""


def test_without_a_terminal_only_the_lines_that_stay_are_printed() -> None:
    assert played(*LOG, terminal=False) == LINES


def test_on_a_terminal_the_same_lines_stay() -> None:
    output = played(*LOG, terminal=True)
    stay = [line for line in LINES.splitlines() if line]
    assert [line for line in stay if line not in output] == []


def status(*events: JsonObject, seconds: float = 0) -> str:
    times = [0.0]
    console = Console(file=io.StringIO(), width=40, color_system=None)
    view = LiveView(console, clock=lambda: times[0])
    for wire in events:
        view.show(wire)
    times[0] = seconds
    with console.capture() as capture:
        console.print(view.render_status())
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_the_status_says_what_goes_on_now() -> None:
    claimed = event("task_claimed", reason="new")
    command = thought(1, "T.", ("execute_terminal_command", {"command": "sleep 9"}))
    question = event("question_asked", question="?")
    assert [
        status(*events).lstrip(" ⠋")
        for events in ([SUBMITTED], [claimed], [command], [command, question], [COMPLETED])
    ] == [
        "waiting for a worker",
        "thinking",
        "execute_terminal_command sleep 9",
        "waiting for an answer",
        "",
    ]


def test_the_status_says_how_long_once_it_takes_long() -> None:
    claimed = event("task_claimed", reason="new")
    assert status(claimed, seconds=1.5).endswith("thinking")
    assert status(claimed, seconds=75.5).endswith("thinking  1 min 15 s")


def test_a_streaming_thought_stands_above_the_status() -> None:
    lines = status(delta("Words that ", 0), delta("stream in\x1b[2J", 11)).splitlines()
    assert lines[:2] == ["", "     Words that stream in␛[2J"]


def test_deltas_are_put_together() -> None:
    partial = PartialThought()
    partial.add(delta("a😀", 0))
    partial.add(delta("b", 3))
    together = partial.text
    partial.add(delta("c", 9))
    after_gap = partial.text
    partial.add(delta("again", 0, epoch=2))
    assert (together, after_gap, partial.text) == ("a😀b", "… c", "again")
    partial.clear()
    assert partial.text == ""

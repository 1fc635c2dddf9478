"""The golden files of tests/contract, from Python's side."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from steersman.api.chat_frames import (
    AddMessageTo,
    DecideApprovalNow,
    PauseTaskNow,
    ResumeTaskNow,
    StopTaskNow,
    SubmitTask,
)
from steersman.core.commands import (
    AddMessage,
    PauseTask,
    ResumeTask,
    StopTask,
    parse_command,
    report_id,
)
from steersman.core.deltas import Delta
from steersman.core.events import (
    ActionFailed,
    ChildDelegated,
    ChildFinished,
    Event,
    TaskCompleted,
    TaskFailed,
    TaskStopped,
    WaitStarted,
    parse_envelope,
)
from steersman.core.fold import fold
from steersman.core.ids import TaskId
from steersman.core.view import task_view
from tests.agent.contract.golden import COMMANDS, CONTRACT, EVENTS, LOGS, read_json, read_log

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KINDS = sorted(event.model_fields["type"].default for event in get_args(Event))


def both(paths: list[Path]) -> list[Any]:
    """Return the least and the most of each file."""
    return [
        pytest.param(wire, id=f"{path.stem}-{name}")
        for path in paths
        for name, wire in read_json(path).items()
    ]


def test_every_event_has_a_file() -> None:
    assert [path.stem for path in EVENTS] == KINDS


@pytest.mark.parametrize("wire", both(EVENTS))
def test_an_event_is_written_as_it_was_read(wire: dict[str, Any]) -> None:
    written = parse_envelope(wire).to_wire()
    assert json.dumps(written, ensure_ascii=False) == json.dumps(wire, ensure_ascii=False)
    assert list(written)[:5] == ["type", "task_id", "seq", "at", "epoch"]
    assert TIME.fullmatch(written["at"])


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_most_of_an_event_has_every_field_and_the_least_none_that_may_be_absent(
    path: Path,
) -> None:
    least, most = (parse_envelope(wire) for wire in read_json(path).values())
    fields = {
        name
        for name, field in type(most.event).model_fields.items()
        # A success and a failure are both outcomes, but only a command that ended has a code.
        if not (isinstance(most.event, ActionFailed) and name == "exit_code")
    }
    assert set(most.to_wire()) >= fields | {"command_id"}
    absent = {name for name in fields if type(least.event).model_fields[name].default is None}
    assert not absent & set(least.to_wire())


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_log_folds_to_its_view(path: Path) -> None:
    view = task_view(fold(read_log(path)))
    assert view == read_json(path.with_suffix("").with_suffix(".view.json"))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_log_is_one_that_could_have_happened(path: Path) -> None:
    log = read_log(path)
    assert [envelope.seq for envelope in log] == list(range(1, len(log) + 1))
    assert all(a.epoch <= b.epoch and a.at <= b.at for a, b in pairwise(log))
    lines = path.read_text(encoding="utf-8").splitlines()
    written = [json.dumps(envelope.to_wire(), ensure_ascii=False) for envelope in log]
    assert written == lines


def test_children_are_delegated_once_end_once_and_before_the_task_above_them() -> None:
    for path in LOGS:
        known: set[str] = set()
        living: set[str] = set()
        for envelope in read_log(path):
            match envelope.event:
                case ChildDelegated(child_id=child):
                    assert child not in known
                    known.add(child)
                    living.add(child)
                case WaitStarted(child_ids=children):
                    assert known >= set(children)
                case ChildFinished(child_id=child):
                    assert envelope.command_id == report_id(child)
                    living.remove(child)
                case TaskCompleted() | TaskFailed() | TaskStopped():
                    assert not living
                case _:
                    pass


def test_every_view_has_its_log() -> None:
    views = {path.name.removesuffix(".view.json") for path in (CONTRACT / "logs").glob("*.json")}
    assert views == {path.stem for path in LOGS}


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    for pair in read_json(CONTRACT / "newer.json")["unknown_fields"]:
        assert parse_envelope(pair["newer"]) == parse_envelope(pair["known"])


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    for pair in read_json(CONTRACT / "older.json")["absent_fields"]:
        assert parse_envelope(pair["older"]) == parse_envelope(pair["known"])


def test_a_type_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ValidationError, match="weather_changed"):
        parse_envelope(read_json(CONTRACT / "newer.json")["unknown_type"])


COMMAND_CLASSES = {
    "submit_task": SubmitTask,
    "add_message": AddMessageTo,
    "stop_task": StopTaskNow,
    "pause_task": PauseTaskNow,
    "resume_task": ResumeTaskNow,
    "decide_approval": DecideApprovalNow,
}


def test_every_command_has_a_file() -> None:
    assert [path.stem for path in COMMANDS] == sorted(COMMAND_CLASSES)


@pytest.mark.parametrize("wire", both(COMMANDS))
def test_a_command_is_taken_and_an_unknown_field_refused(wire: dict[str, Any]) -> None:
    command = COMMAND_CLASSES[wire["type"]]
    read = command.model_validate(wire).model_dump(mode="json", exclude_unset=True)
    assert read == wire
    with pytest.raises(ValidationError, match="colour"):
        command.model_validate({**wire, "colour": "red"})


def test_an_inbox_holds_commands_without_their_address() -> None:
    for wanted in (
        AddMessage(text="Use tabs."),
        StopTask(),
        StopTask(reason="enough"),
        PauseTask(),
        ResumeTask(),
    ):
        assert parse_command(wanted.model_dump(mode="json")) == wanted
    with pytest.raises(ValidationError, match="colour"):
        parse_command({"type": "stop_task", "colour": "red"})


def test_deltas_follow_each_other() -> None:
    wires = read_json(CONTRACT / "deltas.json")
    deltas = [
        Delta(TaskId(w["task_id"]), w["epoch"], w["step"], w["offset"], w["text"]) for w in wires
    ]
    assert [json.dumps(delta.to_wire()) for delta in deltas] == [json.dumps(w) for w in wires]
    for one, following in pairwise(deltas):
        assert following.offset == one.offset + len(one.text.encode("utf-16-le")) // 2

"""What people see of the services' logs."""

import io
import json

from steersman.app.up.console import Console, Said, read

PYTHON = {
    "time": "2026-11-25T10:00:00.000Z",
    "level": "warning",
    "logger": "steersman.core.worker",
    "message": "task_dropped",
    "action": "task_dropped",
    "epoch": 3,
}
DOTNET = {
    "Timestamp": "10:00:00",
    "EventId": 1,
    "LogLevel": "Error",
    "Category": "Steersman.ApiGateway.Auth.FirstUser",
    "Message": "The first one signs up with this code: inv_1",
    "State": {"Message": "…", "Code": "inv_1", "{OriginalFormat}": "… {Code}"},
    "Exception": "Boom\n   at Here()",
}


def shown(service: str, line: str, *, as_json: bool = False) -> str:
    stream = io.StringIO()
    Console(stream, as_json=as_json).show(service, line)
    return stream.getvalue()


def test_a_line_of_ours_is_a_sentence_with_what_it_does_not_say_yet() -> None:
    assert shown("agent", json.dumps(PYTHON)) == "agent    | task_dropped epoch=3\n"


def test_a_line_of_dotnet_is_a_sentence_and_its_trace_stands_below() -> None:
    assert shown("gateway", json.dumps(DOTNET)).splitlines() == [
        "gateway  | The first one signs up with this code: inv_1 category=FirstUser",
        "gateway  | Boom",
        "gateway  |    at Here()",
    ]


def test_whoever_listens_hears_each_line_with_all_its_facts() -> None:
    heard: list[Said] = []
    console = Console(io.StringIO(), as_json=False, listener=heard.append)
    console.show("gateway", json.dumps(DOTNET))
    assert (heard[0].level, heard[0].fields["Code"]) == ("error", "inv_1")


def test_any_other_text_is_shown_as_it_is_but_commands_no_terminal() -> None:
    for line in ("plain words", "[1, 2]", '{"level": 3}', "null", '{"broken'):
        assert shown("redis", line) == f"redis    | {line}\n"
    assert shown("redis", "\x1b[2Jgone\x07") == "redis    | \\x1b[2Jgone\\x07\n"


def test_for_programs_each_line_is_an_object_that_names_its_service() -> None:
    line = json.loads(shown("agent", json.dumps(PYTHON), as_json=True))
    assert line == {
        "service": "agent",
        "level": "warning",
        "message": "task_dropped",
        "action": "task_dropped",
        "epoch": 3,
    }
    assert json.loads(shown("redis", "x", as_json=True))["message"] == "x"


def test_a_state_that_is_no_object_is_left_out() -> None:
    assert read("gateway", json.dumps({**DOTNET, "State": None})).fields == {
        "category": "FirstUser"
    }

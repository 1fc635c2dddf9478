"""What becomes of the calls of a model's reply."""

import json
from collections.abc import Mapping

import pytest

from steersman.core.artifacts import internalize
from steersman.core.ids import ActionId
from steersman.core.model import ModelCall
from steersman.core.replies import ReadCalls, read_calls
from steersman.core.tool import Tool
from steersman.tools import load_tools

TOOLS: Mapping[str, Tool] = load_tools()
READ = ModelCall("read_file", '{"path": "a.py"}')


def read(*calls: ModelCall) -> ReadCalls:
    return read_calls(calls, TOOLS, tuple(ActionId(f"{n}") for n in range(len(calls))))


def refusals(*calls: ModelCall) -> list[tuple[str, str]]:
    """Return which action failed at once, and with which code."""
    return [(failure.action_id, failure.error) for failure in read(*calls).failures]


def test_calls_become_actions_in_their_order() -> None:
    found = read(READ, ModelCall("list_files", ""))
    assert [(one.tool, one.arguments) for one in found.actions] == [
        ("read_file", {"path": "a.py"}),
        ("list_files", {}),
    ]
    assert found.failures == ()


def test_only_the_first_sixteen_calls_of_a_reply_are_run() -> None:
    found = read(*[READ] * 50)
    assert len(found.actions) == 50
    assert refusals(*[READ] * 50) == [(f"{n}", "too_many_calls") for n in range(16, 50)]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("ask_user", '{"question": "Which?"}'), ("finish_task", '{"result": "Done."}')],
)
def test_nothing_runs_after_a_call_that_ends_the_reply(tool: str, arguments: str) -> None:
    assert refusals(READ, ModelCall(tool, arguments), READ) == [("2", "not_run")]
    assert refusals(ModelCall(tool, "{}"), READ) == [("0", "invalid_arguments")]


def test_a_tool_that_does_not_exist_is_answered_with_those_that_do() -> None:
    (failure,) = read(ModelCall("sudo", "{}")).failures
    assert failure.error == "unknown_tool"
    assert "read_file" in failure.output


@pytest.mark.parametrize(
    "arguments",
    [
        "not json",
        "[1]",
        '"text"',
        "null",
        '{"path": NaN}',
        '{"path": 1e999}',
        '{"start_line": 18446744073709551616}',
        f'{{"start_line": {"9" * 5_000}}}',
        '{"path": ' + "[" * 40 + "]" * 40 + "}",
        '{"path": ' + "[" * 100_000,
    ],
)
def test_arguments_that_are_no_json_or_that_no_log_can_hold_become_an_empty_object(
    arguments: str,
) -> None:
    found = read(ModelCall("read_file", arguments))
    assert found.actions[0].arguments == {}
    assert found.failures[0].error == "invalid_arguments"
    assert "not a JSON object" in found.failures[0].output


def test_arguments_that_do_not_fit_the_tool_say_where() -> None:
    (failure,) = read(ModelCall("read_file", '{"path": "a", "start_line": 0, "x": 1}')).failures
    assert failure.error == "invalid_arguments"
    assert "start_line: " in failure.output
    assert "x: " in failure.output


def test_what_cannot_be_stored_is_replaced() -> None:
    found = read(
        ModelCall("read_file", json.dumps({"path": "a\0b\ud800"})),
        ModelCall("no\ud800such", "{\ud800"),
    )
    assert found.actions[0].arguments == {"path": "a\ufffdb\ufffd"}
    assert found.actions[1].tool == "no\ufffdsuch"
    assert all(failure.output.encode() for failure in found.failures)


def test_a_long_argument_is_kept_beside_the_log() -> None:
    content = "x" * 100_000
    found = read(ModelCall("write_file", json.dumps({"path": "a", "content": content})))
    (action,) = found.actions
    assert action.arguments["content"].keys() == {"artifact", "bytes"}
    assert len(json.dumps(action.arguments)) < 200
    assert internalize(action.arguments, found.blobs) == {"path": "a", "content": content}

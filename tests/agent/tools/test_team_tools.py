"""The tools as a set: what a model is told of them, and how one is added."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import steersman.tools
from steersman.adapters.prompts import load_team
from steersman.core.tool import RunningTool
from steersman.tools import load_tools
from tests.agent.prompts import PROMPTS
from tests.agent.tools.conftest import TOOLS, Workplace

WORD_COUNT = '''
"""`word_count`: how long a text is."""

from steersman.core.events import Effect
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolOutput


class WordCount(Arguments):
    """What to count."""

    path: str


async def _run(arguments: WordCount, context: ToolContext) -> ToolOutput:
    return ToolOutput(f"{len(context.files.read(arguments.path).split())} words")


TOOL = RunningTool("word_count", "Count words.", WordCount, Effect.PURE, _run)
'''


def test_each_tool_is_told_of_by_its_schema() -> None:
    told = {
        name: sorted(tool.specification().parameters["properties"]) for name, tool in TOOLS.items()
    }
    assert told == {
        "ask_user": ["question"],
        "check_task": ["task_id"],
        "delegate_task": ["goal", "limits", "role", "workspace"],
        "edit_file": ["new_text", "old_text", "path"],
        "execute_terminal_command": ["command", "timeout_seconds"],
        "finish_task": ["result"],
        "list_files": ["path", "pattern"],
        "message_task": ["task_id", "text"],
        "read_file": ["end_line", "path", "start_line"],
        "read_output": ["artifact", "length", "start"],
        "search_files": ["path", "pattern"],
        "stop_task": ["reason", "task_id"],
        "update_plan": ["items"],
        "wait_for_tasks": ["task_ids", "until"],
        "write_file": ["content", "path"],
    }


@pytest.mark.parametrize("name", TOOLS)
def test_a_schema_is_plain_enough_for_every_provider(name: str) -> None:
    told = TOOLS[name].specification()
    Draft202012Validator.check_schema(told.parameters)
    assert (told.name, told.parameters["type"]) == (name, "object")
    assert told.parameters["additionalProperties"] is False
    for field in told.parameters["properties"].values():
        assert field["type"] in ("string", "integer", "array", "object")
        assert field["description"]
    text = json.dumps(told.parameters)
    assert not [word for word in ("anyOf", "$ref", "$defs", '"title"') if word in text]


@pytest.mark.parametrize("name", TOOLS)
def test_an_unknown_argument_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        TOOLS[name].arguments.model_validate({"surprise": 1})


async def test_a_file_and_a_line_of_the_team_add_a_tool(
    work: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = tmp_path / "added"
    added.mkdir()
    (added / "word_count.py").write_text(WORD_COUNT, encoding="utf-8")
    (added / "roles.toml").write_text(
        '[counter]\ndescription = "You count."\ntemplate = "counter.md.j2"\n'
        'tools = ["word_count", "finish_task"]\n',
        encoding="utf-8",
    )
    (added / "counter.md.j2").write_text("{{ role }}", encoding="utf-8")
    monkeypatch.setattr(steersman.tools, "__path__", [*steersman.tools.__path__, str(added)])
    tools = load_tools()
    assert load_team(added, tools).roles["counter"].tools == ("word_count", "finish_task")
    tool = tools["word_count"]
    assert isinstance(tool, RunningTool)
    work.write("a.txt", b"two words")
    arguments = tool.arguments.model_validate({"path": "a.txt"})
    assert (await tool.run(arguments, work.context())).text == "2 words"


def test_every_tool_that_exists_is_somebodys() -> None:
    team = load_team(PROMPTS, TOOLS)
    assert {tool for role in team.roles.values() for tool in role.tools} == set(TOOLS)

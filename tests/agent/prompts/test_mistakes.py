"""A mistake in `prompts/` is one line: file, line, what was expected."""

from pathlib import Path

import pytest

from steersman.adapters.prompts import JinjaPrompts, load_team, rehearse
from steersman.core.errors import ConfigurationError
from tests.agent.tools.conftest import TOOLS as every

GOOD = """\
# The team
[scout]
description = "You look."
template = "scout.md.j2"
tools = [
  "read_file",
  "finish_task",
]
limits = { max_steps = 5 }
"""
TOOLS = {name: every[name] for name in ("finish_task", "read_file")}


def folder(tmp_path: Path, team: str = GOOD, template: str = "{{ role }}") -> Path:
    (tmp_path / "roles.toml").write_text(team, encoding="utf-8")
    (tmp_path / "scout.md.j2").write_text(template, encoding="utf-8")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "next_action.md.j2").write_text("{{ step }}", encoding="utf-8")
    return tmp_path


def message(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        rehearse(load_team(path, TOOLS), JinjaPrompts(path))
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(path), "P")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "tools = [",
            "toolz = [",
            "P/roles.toml:5: scout.toolz: unknown key; expected description, template, model, tools"
            ", limits, approvals or approval_rules",
        ),
        (
            "limits =",
            "limit =",
            "P/roles.toml:9: scout.limit: unknown key; expected description, template, model, tools"
            ", limits, approvals or approval_rules",
        ),
        (
            "max_steps = 5",
            "max_stepz = 5",
            "P/roles.toml:9: scout.limits.max_stepz: unknown key; expected max_steps, max_tokens,"
            " max_cost_usd, max_seconds, max_children or max_depth",
        ),
        (
            "max_steps = 5",
            'max_steps = "5"',
            "P/roles.toml:9: scout.limits.max_steps: expected a valid integer",
        ),
        (
            "max_steps = 5",
            "max_steps = 0",
            "P/roles.toml:9: scout.limits.max_steps: expected greater than or equal to 1",
        ),
        (
            '"You look."',
            "1979-05-27",
            "P/roles.toml:3: scout.description: expected a valid string",
        ),
        (
            '  "finish_task",',
            '  "finish_tusk",',
            "P/roles.toml:7: scout.tools: unknown tool 'finish_tusk'; expected one of finish_task,"
            " read_file",
        ),
        (
            '"scout.md.j2"',
            '"other.md.j2"',
            "P/roles.toml:4: scout.template: no file 'other.md.j2'; expected a file of P",
        ),
        (
            '"scout.md.j2"',
            '"../scout.md.j2"',
            "P/roles.toml:4: scout.template: no file '../scout.md.j2'; expected a file of P",
        ),
        (
            "[scout]",
            '["The Scout"]',
            "P/roles.toml:2: role 'The Scout': expected lower case letters, digits and _",
        ),
        (
            "[scout]",
            "scout = 1\n[other]",
            "P/roles.toml:2: scout: expected a role as a table, [scout]",
        ),
        (
            "max_steps = 5 }",
            "max_steps = 5",
            "P/roles.toml:9: Unclosed inline table (at line 9, column 25)",
        ),
    ],
)
def test_a_typo_in_the_team(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert GOOD.count(old) == 1
    assert message(folder(tmp_path, GOOD.replace(old, new))) == expected


def test_an_empty_team(tmp_path: Path) -> None:
    expected = "P/roles.toml:1: expected at least one role, such as [developer]"
    assert message(folder(tmp_path, "# nobody\n")) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "Hello\n{% if %}",
            "P/scout.md.j2:2: Expected an expression, got 'end of statement block'",
        ),
        ("{{ rolle }}", "P/scout.md.j2: 'rolle' is undefined"),
        (
            '{% include "nowhere.md.j2" %}',
            "P/scout.md.j2: nowhere.md.j2: there is no such template",
        ),
        ("{{ role.__class__ }}", "P/scout.md.j2: access to attribute '__class__' of 'str' object"),
    ],
)
def test_a_mistake_in_a_template(tmp_path: Path, template: str, expected: str) -> None:
    assert message(folder(tmp_path, template=template)).startswith(expected)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    expected = "STEERSMAN_PROMPTS: expected a folder with roles.toml at P"
    assert message(tmp_path / "none") == expected


def test_a_folder_without_a_team(tmp_path: Path) -> None:
    assert message(tmp_path) == "STEERSMAN_PROMPTS: P/roles.toml: No such file or directory"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "scout.md.j2").write_bytes(b"\xff\xfe")
    assert message(path) == "STEERSMAN_PROMPTS: P/scout.md.j2: expected UTF-8"


def test_the_version_changes_with_any_text_of_the_folder(tmp_path: Path) -> None:
    path = folder(tmp_path)
    before = load_team(path, TOOLS).version
    again = load_team(path, TOOLS).version
    (path / "parts" / "next_action.md.j2").write_text("{{ step }}!", encoding="utf-8")
    assert (again == before, load_team(path, TOOLS).version == before) == (True, False)

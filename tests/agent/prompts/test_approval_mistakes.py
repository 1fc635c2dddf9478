"""A mistake in which calls ask is told with its line, before any call could run without asking."""

from pathlib import Path

import pytest

from steersman.adapters.prompts import load_team
from tests.agent.prompts.test_mistakes import GOOD, TOOLS, folder, message

RULE = '{ tool = "read_file", argument = "path", matches = "secret", then = "always" }'
RULES = f"approval_rules = [\n  {RULE},\n  {RULE},\n]\n"
TABLES = "".join(
    f"[[scout.approval_rules]]\n{RULE[2:-2].replace(', ', chr(10))}\n\n" for _ in range(2)
)


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [
        (
            'approvals = { read_fil = "always" }',
            "P/roles.toml:10: scout.approvals.read_fil: unknown tool 'read_fil'; expected one of"
            " finish_task, read_file",
        ),
        (
            '[scout.approvals]\n"*" = "never"\nread_fil = "always"',
            "P/roles.toml:12: scout.approvals.read_fil: unknown tool 'read_fil'; expected one of"
            " finish_task, read_file",
        ),
        (
            'approvals = { read_file = "sometimes" }',
            "P/roles.toml:10: scout.approvals.read_file: expected 'never', 'always' or 'on_change'",
        ),
        ('approvals = "always"', "P/roles.toml:10: scout.approvals: expected an object"),
    ],
)
def test_a_mistake_in_the_policies(tmp_path: Path, approvals: str, expected: str) -> None:
    assert message(folder(tmp_path, f"{GOOD}{approvals}\n")) == expected


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        (RULES, {"tool": 12, "argument": 12, "matches": 12, "then": 12, "tol": 12}),
        (TABLES, {"tool": 17, "argument": 18, "matches": 19, "then": 20, "tol": 17}),
    ],
)
@pytest.mark.parametrize(
    ("key", "old", "new", "expected"),
    [
        (
            "tool",
            'tool = "read_file"',
            'tool = "read_fil"',
            "tool: unknown tool 'read_fil'; expected one of finish_task, read_file",
        ),
        (
            "argument",
            'argument = "path"',
            'argument = "file"',
            "argument: read_file has no argument 'file'; expected path, start_line, end_line",
        ),
        (
            "argument",
            'argument = "path"',
            "argument = 7",
            "argument: expected a valid string",
        ),
        (
            "matches",
            '"secret"',
            '"(secret"',
            "matches: expected a regular expression: missing ), unterminated subpattern at"
            " position 0",
        ),
        (
            "then",
            '"always"',
            '"maybe"',
            "then: expected 'never', 'always' or 'on_change'",
        ),
        (
            "tol",
            'tool = "read_file"',
            'tol = "read_file"',
            "tol: unknown key; expected tool, argument, matches or then",
        ),
    ],
)
def test_a_mistake_in_the_second_rule(
    tmp_path: Path,
    rules: str,
    lines: dict[str, int],
    key: str,
    old: str,
    new: str,
    expected: str,
) -> None:
    first, separator, second = rules.rpartition(old)
    team = f"{GOOD}{first}{new}{second}"
    assert separator
    assert message(folder(tmp_path, team)) == (
        f"P/roles.toml:{lines[key]}: scout.approval_rules.1.{expected}"
    )


def test_a_rule_that_lacks_a_key(tmp_path: Path) -> None:
    team = f"{GOOD}{RULES}".replace(', then = "always"', "", 1)
    assert message(folder(tmp_path, team)) == (
        "P/roles.toml:11: scout.approval_rules.0.then: missing; every rule has tool, argument,"
        " matches and then"
    )


def test_rules_on_arguments_that_the_tool_has_are_taken(tmp_path: Path) -> None:
    team = load_team(folder(tmp_path, f"{GOOD}{RULES}"), TOOLS)
    assert [rule.argument for rule in team.roles["scout"].approval_rules] == ["path", "path"]

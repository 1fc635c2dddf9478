"""What doctor finds and how it says it."""

import errno
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from steersman.api.ports import Check
from steersman.cli.doctor import (
    check_lines,
    check_prompts,
    check_variables,
    examine,
    looked_at,
    shown_value,
)
from steersman.core.errors import ConfigurationError
from steersman.settings import Settings, configure
from tests.agent.tools.conftest import TOOLS


async def test_each_check_is_a_line_and_a_failure_is_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def good() -> Check:
        return Check(status="ok", detail="PostgreSQL 18")

    async def wrong() -> Check:
        raise ConfigurationError("roles.toml:3: expected a table")

    async def forbidden() -> Check:
        raise PermissionError(errno.EACCES, "Permission denied", "/home/x")

    configuration = configure({"STEERSMAN_MODEL": "openai/x"}, {"STEERSMAN_API_TOKEN": "hunter2"})
    assert await examine(configuration, looked_at({"database": good}), as_json=False) == 0
    capsys.readouterr()
    checks = {"database": good, "prompts": wrong, "home": forbidden}
    assert await examine(configuration, looked_at(checks), as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        " ✓ database  PostgreSQL 18",
        " ✗ prompts   roles.toml:3: expected a table",
        " ✗ home      /home/x: Permission denied",
    ]
    assert "   STEERSMAN_MODEL                     openai/x  (environment)" in lines
    assert "   STEERSMAN_API_TOKEN                 [set]  (.env)" in lines
    assert "hunter2" not in "".join(lines)


async def test_the_report_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    async def good() -> Check:
        return Check(status="ok", detail="PostgreSQL 18")

    configuration = configure({"STEERSMAN_API_TOKEN": "hunter2"}, {})
    assert await examine(configuration, looked_at({"database": good}), as_json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    report = json.loads(line)
    assert report["checks"] == {"database": {"status": "ok", "detail": "PostgreSQL 18"}}
    token = {"value": "[set]", "source": "environment"}
    assert report["settings"]["STEERSMAN_API_TOKEN"] == token


def test_a_long_finding_goes_on_below_its_beginning() -> None:
    found = Check(status="degraded", detail="bwrap is missing; mend: apt-get install bubblewrap")
    assert [line.plain for line in check_lines("sandbox", found, 50)] == [
        " ! sandbox   bwrap is missing; mend: apt-get",
        "             install bubblewrap",
    ]


async def test_a_variable_that_nobody_reads_is_a_warning() -> None:
    known = await check_variables(configure({"STEERSMAN_MODEL": "x"}, {}))
    typo = await check_variables(configure({"STEERSMAN_MODLE": "x"}, {}))
    assert (known, typo) == (
        Check(status="ok", detail="1 set"),
        Check(
            status="degraded",
            detail="nobody reads STEERSMAN_MODLE; check the spelling against the list below",
        ),
    )


async def test_the_prompts_are_rendered() -> None:
    found = await check_prompts(Settings(), TOOLS)
    assert found.status == "ok"
    assert (found.detail or "").startswith("orchestrator, developer, tester (")


async def test_a_role_that_is_not_in_the_team_is_told() -> None:
    found = await check_prompts(Settings(roles=("developer", "tseter")), TOOLS)
    assert found == Check(
        status="unavailable",
        detail="no role 'tseter'; set STEERSMAN_DEFAULT_ROLE and STEERSMAN_ROLES to some of"
        " orchestrator, developer, tester",
    )


async def test_a_policy_for_a_tool_that_does_not_exist_is_told() -> None:
    settings = configure({"STEERSMAN_APPROVALS": "*=never,execute_comand=always"}, {}).settings
    with pytest.raises(ConfigurationError) as caught:
        await check_prompts(settings, TOOLS)
    known = ", ".join(("*", *sorted(TOOLS)))
    assert str(caught.value) == (
        f"STEERSMAN_APPROVALS: unknown tool 'execute_comand'; expected one of {known}"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ((), "-"),
        (("a", "b"), "a, b"),
        ({}, "-"),
        ({"*": "never", "write_file": "always"}, "*=never, write_file=always"),
        (SecretStr("hunter2"), "[set]"),
        (SecretStr("redis://:hunter2@host:1"), "redis://:[redacted]@host:1"),
        ("http://me:hunter2@host", "http://me:[redacted]@host"),
        (Path("/x"), "/x"),
        (120.0, "120.0"),
    ],
)
def test_how_a_value_is_shown(value: object, shown: str) -> None:
    assert shown_value(value) == shown

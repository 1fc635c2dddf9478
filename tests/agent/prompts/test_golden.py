"""What the model reads, word for word. STEERSMAN_GOLDEN=write makes the files again."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from steersman.adapters.prompts import NEXT_ACTION, JinjaPrompts, load_team, rehearse
from steersman.core.model import ToolSpecification
from steersman.core.roles import Team, prompt_values
from tests.agent.prompts import PROMPTS
from tests.agent.tools.conftest import TOOLS

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def team() -> Team:
    return load_team(PROMPTS, TOOLS)


@pytest.fixture(scope="module")
def prompts() -> JinjaPrompts:
    return JinjaPrompts(PROMPTS)


def system_values(team: Team, role: str, *, without: str = "") -> Mapping[str, object]:
    member = team.roles[role]
    names = (name for name in member.tools if name != without)
    tools = [ToolSpecification(name, f"About {name}.", {}) for name in names]
    return prompt_values(team, role, tools, member.limits)


def assert_golden(name: str, text: str) -> None:
    file = GOLDEN / f"{name}.md"
    if os.environ.get("STEERSMAN_GOLDEN") == "write":
        file.write_text(text + "\n", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text + "\n"


@pytest.mark.parametrize("role", ["orchestrator", "developer", "tester"])
def test_the_system_prompt_of_a_role(team: Team, prompts: JinjaPrompts, role: str) -> None:
    assert_golden(role, prompts.render(team.roles[role].template, system_values(team, role)))


def test_the_system_prompt_where_no_command_can_run(team: Team, prompts: JinjaPrompts) -> None:
    values = system_values(team, "developer", without="execute_terminal_command")
    assert_golden("developer_without_commands", prompts.render("roles/developer.md.j2", values))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("next_action", {"step": 3, "max_steps": 50, "notices": [], "remaining": []}),
        (
            "next_action_near_the_end",
            {
                "step": 49,
                "max_steps": 50,
                "notices": ["Your last reply called no tool."],
                "remaining": ["2 steps", "12,000 tokens", "240 seconds"],
            },
        ),
    ],
)
def test_the_tail_of_a_step(prompts: JinjaPrompts, name: str, values: Mapping[str, object]) -> None:
    assert_golden(name, prompts.render(NEXT_ACTION, values))


def test_data_in_a_prompt_is_neither_escaped_nor_run(prompts: JinjaPrompts) -> None:
    values = {"step": 1, "max_steps": 9, "notices": ["<b> & {{ 7 * 7 }}"], "remaining": []}
    assert "Note: <b> & {{ 7 * 7 }}\n" in prompts.render(NEXT_ACTION, values)


def test_every_prompt_of_the_team_renders(team: Team, prompts: JinjaPrompts) -> None:
    rehearse(team, prompts)
    assert list(team.roles) == ["orchestrator", "developer", "tester"]

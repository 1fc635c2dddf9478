"""The team as data: what `prompts/roles.toml` holds, checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from steersman.core.approvals import ApprovalPolicy, RiskRule
from steersman.core.limits import Limits
from steersman.core.model import ToolSpecification


class Role(BaseModel):
    """One member of the team. `model` None means the deployment's model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = Field(min_length=1)
    template: str = Field(min_length=1)
    model: str | None = None
    tools: tuple[str, ...] = Field(min_length=1)
    limits: Limits = Limits()
    approvals: Mapping[str, ApprovalPolicy] = Field(default_factory=dict[str, ApprovalPolicy])
    approval_rules: tuple[RiskRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """All roles by name. `version` is a hash of everything that shapes what they are told."""

    roles: Mapping[str, Role]
    version: str


def prompt_values(
    team: Team, name: str, tools: Iterable[ToolSpecification], limits: Limits
) -> Mapping[str, object]:
    """Return what the system prompt of a role is told; the same for the whole life of a task."""
    return {
        "role": name,
        "description": team.roles[name].description,
        "tools": [{"name": tool.name, "description": tool.description} for tool in tools],
        "limits": limits.model_dump(),
        "team": [
            {"role": other, "description": role.description}
            for other, role in team.roles.items()
            if other != name
        ],
    }

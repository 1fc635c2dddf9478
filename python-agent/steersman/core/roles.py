"""The team as data: what `prompts/roles.toml` holds, checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from steersman.core.approvals import ApprovalPolicy, RiskRule
from steersman.core.limits import Limits


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

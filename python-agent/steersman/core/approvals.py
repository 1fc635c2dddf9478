"""Which calls need a person's approval, and to which arguments an approval is bound. Pure."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from steersman.core.artifacts import normalized
from steersman.core.errors import ConfigurationError
from steersman.core.events import Effect, JsonObject
from steersman.core.ids import ApprovalId, OwnerId

EVERY_TOOL = "*"
"""Stands for the tools that are not named."""

_PATH_ARGUMENTS = frozenset({"path"})
"""Arguments that name a file of the workspace, whatever the tool: two spellings are one file."""

_CHANGING = frozenset({Effect.IDEMPOTENT, Effect.KEYED, Effect.UNSAFE})


class ApprovalPolicy(StrEnum):
    """When a tool's call waits for a person. `on_change`: unless it only reads or is the log's."""

    NEVER = "never"
    ALWAYS = "always"
    ON_CHANGE = "on_change"

    def asks(self, effect: Effect) -> bool:
        """Say whether a call with this effect needs an approval."""
        return self is ApprovalPolicy.ALWAYS or (
            self is ApprovalPolicy.ON_CHANGE and effect in _CHANGING
        )


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from None
    return pattern


class RiskRule(BaseModel):
    """A policy for the calls of one tool in whose `argument` the pattern is found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str = Field(min_length=1)
    argument: str = Field(min_length=1)
    matches: Annotated[str, AfterValidator(_compiles)]
    then: ApprovalPolicy

    def fits(self, tool: str, arguments: JsonObject) -> bool:
        """Say whether this rule is about the call."""
        if tool != self.tool or self.argument not in arguments:
            return False
        value = _with_plain_paths(arguments)[self.argument]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return re.search(self.matches, text) is not None


Remembered = Mapping[tuple[str, str], OwnerId]
"""Who approved, by tool and by what `sameness` says of the arguments."""

Policies = Mapping[str, ApprovalPolicy]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a decision on an approval needs beside its command.

    `shown_sha256` is of the arguments that the person saw, `remembered` what the decision shall
    cover from now on, `artifacts` the long strings of edited arguments.
    """

    approval_id: ApprovalId
    shown_sha256: str
    remembered: str | None
    artifacts: Mapping[str, bytes]


def require_known_tools(overrides: Policies, tools: Collection[str]) -> None:
    """Raise ConfigurationError for a misspelt tool: it would run without the approval wanted."""
    unknown = sorted(overrides.keys() - set(tools) - {EVERY_TOOL})
    if unknown:
        known = ", ".join((EVERY_TOOL, *sorted(tools)))
        raise ConfigurationError(
            f"STEERSMAN_APPROVALS: unknown tool {unknown[0]!r}; expected one of {known}"
        )


def policy_of(tool: str, policies: Policies) -> ApprovalPolicy | None:
    """Return what is said of a tool, or else of every tool."""
    return policies.get(tool, policies.get(EVERY_TOOL))


def reason_to_ask(
    call: tuple[str, JsonObject],
    effect: Effect,
    *,
    overrides: Policies,
    rules: tuple[RiskRule, ...],
    policies: Policies,
) -> str | None:
    """Say why a call needs an approval, None when it needs none.

    The deployment's overrides win; then the first rule that fits; then the role's policies.
    """
    tool, arguments = call
    if (override := policy_of(tool, overrides)) is not None:
        return f"STEERSMAN_APPROVALS: {tool} {override}" if override.asks(effect) else None
    for rule in rules:
        if rule.fits(tool, arguments):
            why = f"{rule.argument} matches {rule.matches}"
            return why if rule.then.asks(effect) else None
    policy = policy_of(tool, policies) or ApprovalPolicy.NEVER
    return f"approvals of the role: {tool} {policy}" if policy.asks(effect) else None


def arguments_sha256(arguments: JsonObject) -> str:
    """Return the hash of whole arguments: JSON with sorted keys, no spaces, UTF-8."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sameness(arguments: JsonObject, same_by: tuple[str, ...]) -> str:
    """Return what a remembered approval covers: these arguments' values, or all when none is named.

    Strings may be given as their references: equal strings have equal references.
    """
    plain = _with_plain_paths(arguments)
    named: JsonObject = {name: plain.get(name) for name in same_by}
    return arguments_sha256(normalized(named if same_by else plain))


def _with_plain_paths(arguments: JsonObject) -> JsonObject:
    return {
        name: _plain_path(value) if name in _PATH_ARGUMENTS and isinstance(value, str) else value
        for name, value in arguments.items()
    }


def _plain_path(path: str) -> str:
    """Write a path without what names nothing. No tool takes `..` or a path from the root."""
    names = (name for name in path.split("/") if name not in ("", "."))
    return ("/" if path.startswith("/") else "") + "/".join(names)

"""The team from `roles.toml`, checked against the tools that exist and against their arguments."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from steersman.adapters.prompts.places import Location, line_in, line_of
from steersman.adapters.prompts.templates import one_line, read_templates, read_text
from steersman.core.approvals import EVERY_TOOL, RiskRule
from steersman.core.errors import ConfigurationError
from steersman.core.limits import Limits
from steersman.core.roles import Role, Team
from steersman.core.tool import Tool

_TEAM_FILE = "roles.toml"
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

_TABLES: Mapping[str, type[BaseModel]] = {"limits": Limits, "approval_rules": RiskRule}


def load_team(path: Path, tools: Mapping[str, Tool]) -> Team:
    """Read `roles.toml` of a prompts folder and check it against the tools that exist."""
    file = path / _TEAM_FILE
    templates = read_templates(path)
    text = read_text(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _mistake_at(file, line_in(str(error)), one_line(str(error))) from None
    if not tables:
        raise _mistake_at(file, 1, "expected at least one role, such as [developer]")
    roles = {name: _read_role(file, text, name, table) for name, table in tables.items()}
    for name, role in roles.items():
        for place, wrong in _mistakes(role, tools):
            location = (name, *place)
            raise _mistake_at(file, line_of(text, location), f"{_dotted(location)}: {wrong}")
        if role.template not in templates:
            missing = f"{name}.template: no file {role.template!r}; expected a file of {path}"
            raise _mistake_at(file, line_of(text, (name, "template")), missing)
    return Team(roles=roles, version=_version(text, templates))


def _read_role(file: Path, text: str, name: str, table: object) -> Role:
    if not isinstance(table, dict):
        line = line_of(text, (name,))
        raise _mistake_at(file, line, f"{name}: expected a role as a table, [{name}]")
    if not _ROLE_NAME.fullmatch(name):
        line = line_of(text, (name,))
        raise _mistake_at(file, line, f"role {name!r}: expected lower case letters, digits and _")
    try:
        # By way of JSON, where strict means TOML's types: no "50" for 50, yet arrays are tuples.
        # Dates, which no role has, become an array that fits nowhere.
        return Role.model_validate_json(json.dumps(table, default=lambda _: [0]), strict=True)
    except ValidationError as error:
        # A key that is unknown says more than the one that it was meant to be, which is missing.
        first = min(error.errors(include_url=False), key=lambda each: each["type"] == "missing")
        location = (name, *first["loc"])
        message = f"{_dotted(location)}: {_expectation(first)}"
        raise _mistake_at(file, line_of(text, location), message) from None


def _mistakes(role: Role, tools: Mapping[str, Tool]) -> Iterator[tuple[Location, str]]:
    """Name each tool that does not exist, and each argument that its tool does not take."""
    named: list[tuple[Location, str]] = [(("tools", n), name) for n, name in enumerate(role.tools)]
    named += [(("approvals", tool), tool) for tool in role.approvals if tool != EVERY_TOOL]
    rules = role.approval_rules
    named += [(("approval_rules", n, "tool"), rule.tool) for n, rule in enumerate(rules)]
    for place, tool in named:
        if tool not in tools:
            yield place, f"unknown tool {tool!r}; expected one of {', '.join(sorted(tools))}"
    for n, rule in enumerate(rules):
        # A rule on an argument that no call has would let every call run without asking.
        known = tools[rule.tool].specification().parameters.get("properties", {})
        if rule.argument not in known:
            wrong = f"{rule.tool} has no argument {rule.argument!r}"
            yield (
                ("approval_rules", n, "argument"),
                f"{wrong}; expected {', '.join(known) or 'none'}",
            )


def _expectation(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            known = _TABLES[str(error["loc"][0])] if len(error["loc"]) > 1 else Role
            *others, last = known.model_fields
            return f"unknown key; expected {', '.join(others)} or {last}"
        case "missing" if error["loc"][0] == "approval_rules":
            return "missing; every rule has tool, argument, matches and then"
        case "missing":
            return "missing; every role has description, template and tools"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _:
            return error["msg"].replace("Input should be", "expected").replace("Input ", "")


def _dotted(location: Location) -> str:
    named = location[:-1] if isinstance(location[-1], int) else location
    return ".".join(map(str, named))


def _version(team: str, templates: Mapping[str, str]) -> str:
    content = json.dumps([team, templates], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _mistake_at(file: Path, line: int, message: str) -> ConfigurationError:
    return ConfigurationError(f"{file}:{line}: {message}")

"""The texts of `prompts/`: the team from `roles.toml`, the prompts from Jinja2 files.

Everything is read once. A mistake in these files is a ConfigurationError of one line that names
the file, the line and what was expected.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jinja2 import (
    DictLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from steersman.core.approvals import EVERY_TOOL, RiskRule
from steersman.core.errors import ConfigurationError
from steersman.core.limits import Limits
from steersman.core.roles import Role, Team

NEXT_ACTION = "parts/next_action.md.j2"
EARLIER = "parts/earlier.md.j2"

_TEAM_FILE = "roles.toml"
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"""\s*([\w."'-]+?)\s*=""")

_TABLES: Mapping[str, type[BaseModel]] = {"limits": Limits, "approval_rules": RiskRule}

Location = tuple[str | int, ...]


class JinjaPrompts:
    """The templates of a folder, compiled at once. A name that nobody gave is an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        sources = _templates(path)
        # Prompts are text for a model, not HTML: nothing may be escaped.
        self._environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(sources),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            cache_size=-1,
        )
        for name in sources:
            self._compile(name)

    def render(self, template: str, values: Mapping[str, object]) -> str:
        """Fill in one template; the text has no blank lines around it."""
        try:
            return self._environment.get_template(template).render(values).strip()
        except TemplateError as error:
            raise self._mistake(template, error) from None

    def _compile(self, name: str) -> None:
        try:
            self._environment.get_template(name)
        except TemplateError as error:
            raise self._mistake(name, error) from None

    def _mistake(self, template: str, error: TemplateError) -> ConfigurationError:
        name, line = template, ""
        message = error.message or type(error).__name__
        if isinstance(error, TemplateSyntaxError):
            name, line = error.name or template, f":{error.lineno}"
        elif isinstance(error, TemplateNotFound):
            message = f"{error.name}: there is no such template"
        return ConfigurationError(f"{self._path / name}{line}: {_one_line(message)}")


def load_team(path: Path, known_tools: Collection[str]) -> Team:
    """Read `roles.toml` of a prompts folder and check it against the tools that exist."""
    file = path / _TEAM_FILE
    templates = _templates(path)
    text = _read(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _mistake_at(file, _line_in(str(error)), _one_line(str(error))) from None
    if not tables:
        raise _mistake_at(file, 1, "expected at least one role, such as [developer]")
    roles = {name: _read_role(file, text, name, table) for name, table in tables.items()}
    for name, role in roles.items():
        _check_tools(file, text, name, role=role, known=known_tools)
        if role.template not in templates:
            missing = f"{name}.template: no file {role.template!r}; expected a file of {path}"
            raise _mistake_at(file, _line_of(text, (name, "template")), missing)
    return Team(roles=roles, version=_version(text, templates))


def rehearse(team: Team, prompts: JinjaPrompts) -> None:
    """Render every prompt once, so that a mistake in a template shows at the start."""
    for name, role in team.roles.items():
        tools = [{"name": tool, "description": tool} for tool in role.tools]
        prompts.render(
            role.template,
            {"role": name, "description": role.description, "tools": tools, "limits": role.limits},
        )
    before = {"goal": "A goal.", "state": "completed", "outcome": "A result.", "messages": ["A."]}
    prompts.render(EARLIER, {"tasks": [before], "left_out": 1})
    tail = {"step": 50, "max_steps": 50, "notices": ["A notice."], "remaining": ["1 step"]}
    prompts.render(NEXT_ACTION, tail)


def _read_role(file: Path, text: str, name: str, table: object) -> Role:
    if not isinstance(table, dict):
        line = _line_of(text, (name,))
        raise _mistake_at(file, line, f"{name}: expected a role as a table, [{name}]")
    if not _ROLE_NAME.fullmatch(name):
        line = _line_of(text, (name,))
        raise _mistake_at(file, line, f"role {name!r}: expected lower case letters, digits and _")
    try:
        # By way of JSON, where strict means TOML's types: no "50" for 50, yet arrays are tuples.
        # Dates, which no role has, become an array that fits nowhere.
        return Role.model_validate_json(json.dumps(table, default=lambda _: [0]), strict=True)
    except ValidationError as error:
        # A key that is unknown says more than the one that it was meant to be, which is missing.
        first = min(error.errors(include_url=False), key=lambda each: each["type"] == "missing")
        location = (name, *first["loc"])
        message = f"{'.'.join(map(str, location))}: {_expectation(first)}"
        raise _mistake_at(file, _line_of(text, location), message) from None


def _check_tools(file: Path, text: str, name: str, *, role: Role, known: Collection[str]) -> None:
    named = [("tools", tool) for tool in role.tools]
    named += [("approvals", tool) for tool in role.approvals if tool != EVERY_TOOL]
    named += [("approval_rules", rule.tool) for rule in role.approval_rules]
    for key, tool in named:
        if tool not in known:
            line = _line_of(text, (name, key), tool if key != "approvals" else None)
            expected = f"expected one of {', '.join(sorted(known))}"
            raise _mistake_at(file, line, f"{name}.{key}: unknown tool {tool!r}; {expected}")


def _expectation(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            known = _TABLES[str(error["loc"][0])] if len(error["loc"]) > 1 else Role
            *others, last = known.model_fields
            return f"unknown key; expected {', '.join(others)} or {last}"
        case "missing":
            return "missing; every role has description, template and tools"
        case _:
            return error["msg"].replace("Input should be", "expected").replace("Input ", "")


def _line_of(text: str, location: Location, value: str | None = None) -> int:
    """Find the line of a key, or of the closest table around it; `value` narrows it further."""
    keys = tuple(part for part in location if isinstance(part, str))
    table: tuple[str, ...] = ()
    best, line = 0, 1
    lines = text.splitlines()
    for number, content in enumerate(lines, start=1):
        if header := _HEADER.match(content):
            table = found = _keys(header[1])
        elif assignment := _ASSIGNMENT.match(content):
            found = (*table, *_keys(assignment[1]))
        else:
            continue
        if len(found) > best and keys[: len(found)] == found:
            best, line = len(found), number
    if value is None:
        return line
    after = enumerate(lines[line - 1 :], start=line)
    return next((number for number, content in after if f'"{value}"' in content), line)


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip().strip("\"'") for key in dotted.split("."))


def _line_in(message: str) -> int:
    found = re.search(r"line (\d+)", message)
    return int(found[1]) if found else 1


def _templates(path: Path) -> dict[str, str]:
    return {name: _read(path / name) for name in _template_names(path)}


def _template_names(path: Path) -> list[str]:
    if not path.is_dir():
        raise ConfigurationError(f"STEERSMAN_PROMPTS: expected a folder with roles.toml at {path}")
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*.j2"))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
    except UnicodeDecodeError:
        reason = "expected UTF-8"
    raise ConfigurationError(f"STEERSMAN_PROMPTS: {file}: {reason}")


def _version(team: str, templates: Mapping[str, str]) -> str:
    content = json.dumps([team, templates], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _mistake_at(file: Path, line: int, message: str) -> ConfigurationError:
    return ConfigurationError(f"{file}:{line}: {message}")


def _one_line(message: Any) -> str:
    return " ".join(str(message).split())

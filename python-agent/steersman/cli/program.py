"""The commands as people type them. Each imports its work when it runs: `--help` must be quick."""
# ruff: noqa: PLC0415

import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steersman import __version__
from steersman.cli.boundary import guarded

if TYPE_CHECKING:
    from steersman.settings import Settings

program = typer.Typer(
    help="A self-hosted team of AI agents that you watch, stop, steer and approve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TaskArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A task id, or its last 4 or more characters.")
]
ApprovalArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An approval's id, or its last 4 or more characters.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON lines and nothing else.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"steersman {__version__}")
        raise typer.Exit


@program.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it, exit."),
    ] = False,
) -> None:
    """Hold what stands before the command's name."""


@program.command()
def run(
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What shall be done.")],
    workspace: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where to work; at a server, a workspace's name."),
    ] = None,
    role: Annotated[str | None, typer.Option(help="Who works on it.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model to use, such as openai/NAME.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have a goal worked on and watch it.

    Ends with 0 completed, 1 failed, 2 wrong usage, 3 stopped. Ctrl-C stops the task; a second
    one leaves it as it is.
    """
    from steersman.cli.run import Goal, run_goal

    settings = _settings(model=model)
    _finish(run_goal(Goal(goal, workspace, role), settings, as_json=as_json))


@program.command()
def watch(
    task: TaskArgument,
    after: Annotated[int, typer.Option(min=0, help="Begin after this event.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show a task from its beginning to its end.

    One that no process works on is gone on with here.
    """
    from steersman.cli.run import watch_task

    _finish(watch_task(task, _settings(), after=after, as_json=as_json))


@program.command()
def tasks(
    state: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the newest tasks."""
    from steersman.cli.listing import list_tasks

    _finish(list_tasks(_settings(), states=state or (), limit=limit, as_json=as_json))


@program.command()
def show(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Show where a task stands."""
    from steersman.cli.listing import show_task

    _finish(show_task(task, _settings(), as_json=as_json))


@program.command()
def stop(
    task: TaskArgument,
    reason: Annotated[str | None, typer.Option(help="Why, for the log.")] = None,
) -> None:
    """Stop a task. What it has done stays."""
    from steersman.cli.listing import stop_task

    _finish(stop_task(task, _settings(), reason=reason))


@program.command()
def pause(task: TaskArgument) -> None:
    """Pause a task: a tool that runs may end, nothing more begins."""
    from steersman.cli.listing import pause_task

    _finish(pause_task(task, _settings()))


@program.command()
def resume(task: TaskArgument) -> None:
    """Go on with a paused task."""
    from steersman.cli.listing import resume_task

    _finish(resume_task(task, _settings()))


@program.command()
def approvals(
    every: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the calls that wait for your approval."""
    from steersman.cli.approvals import list_approvals

    _finish(list_approvals(_settings(), every=every, as_json=as_json))


@program.command()
def approve(
    approval: ApprovalArgument,
    arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="Run it with these in place of its own.")
    ] = None,
    remember: Annotated[
        bool, typer.Option("--remember", help="Do not ask for the same in this conversation.")
    ] = False,
) -> None:
    """Let a call run, exactly as it is shown or as you change it."""
    from steersman.cli.approvals import Verdict, decide

    verdict = Verdict(True, arguments=arguments, remember=remember)
    _finish(decide(approval, verdict, _settings()))


@program.command()
def reject(
    approval: ApprovalArgument,
    reason: Annotated[str | None, typer.Option(help="Why; the model reads it.")] = None,
) -> None:
    """Refuse a call. The task goes on without it."""
    from steersman.cli.approvals import Verdict, decide

    _finish(decide(approval, Verdict(False, reason=reason), _settings()))


@program.command()
def say(
    task: TaskArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A message, or an answer.")],
) -> None:
    """Say something to a task.

    It steers the next step, or answers the task's question.
    """
    from steersman.cli.listing import say_to_task

    _finish(say_to_task(task, text, _settings()))


@program.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port.")] = None,
) -> None:
    """Serve the HTTP API and work on tasks.

    Until SIGTERM or Ctrl-C; running tools may end within STEERSMAN_GRACE_SECONDS.
    """
    import logging

    from steersman.settings import require_safe_address

    settings = _settings(host=host, port=port)
    require_safe_address(settings)
    _configure_logging(settings, logging.INFO)
    # After the checks: it imports the whole server.
    from steersman.app.serve import serve as serve_app

    _finish(serve_app(settings))


@program.command()
def demo(as_json: JsonOption = False) -> None:
    """Watch a small project being mended.

    Ends with 0 when its tests, which fail before, pass.
    """
    from steersman.app.demo import prepare_demo
    from steersman.cli.demo import play

    _finish(play(prepare_demo(_settings()), as_json=as_json))


@program.command()
def doctor() -> None:
    """Check what tasks need, print the settings.

    Database, Redis, model, sandbox, prompts, versions; for each what mends it.
    """
    from steersman.adapters.prompts import load_team
    from steersman.app.checks import doctor_checks
    from steersman.cli.doctor import check_prompts, check_variables, check_versions, examine
    from steersman.settings import configure, read_dotenv
    from steersman.tools import load_tools

    configuration = configure(os.environ, read_dotenv())
    settings, tools = _settings(), load_tools()
    checks = {
        "versions": check_versions,
        "settings": lambda: check_variables(configuration),
        "prompts": lambda: check_prompts(settings, tools),
        **doctor_checks(settings, lambda: load_team(settings.prompts, tools)),
    }
    _finish(examine(configuration, checks))


def start() -> None:
    """Run the command line."""
    # Not `program()`, which would put typer's own excepthook in the place of ours.
    guarded(typer.main.get_command(program))


def _settings(
    *, model: str | None = None, host: str | None = None, port: int | None = None
) -> "Settings":
    """Read the settings; what stands on the command line wins."""
    from steersman.settings import load_settings

    given = {"model": model, "host": host, "port": port}
    settings = load_settings()
    return settings.model_copy(update={k: v for k, v in given.items() if v is not None})


def _configure_logging(settings: "Settings", level: int) -> None:
    from steersman.logs import configure_logging, known_secrets

    ours = (settings.api_token, settings.database_url, settings.redis_url)
    values = [secret.get_secret_value() for secret in ours if secret is not None]
    secrets = known_secrets(os.environ, values)
    configure_logging(settings.log_format, level=level, secrets=secrets)


def _finish(work: Coroutine[Any, Any, int | None]) -> None:
    import asyncio

    raise typer.Exit(asyncio.run(work) or 0)

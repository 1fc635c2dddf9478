"""The command line: every command, in the order in which `--help` shows them."""

from typing import Annotated

import typer

from steersman import __version__
from steersman.cli import (
    approval_commands,
    process_commands,
    store_commands,
    task_commands,
    why_command,
)
from steersman.cli.boundary import guarded
from steersman.cli.leaving import prompt_end

program = typer.Typer(
    help="A self-hosted team of AI agents that you watch, stop, steer and approve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    task_commands.run,
    task_commands.watch,
    task_commands.tasks,
    task_commands.show,
    why_command.why,
    task_commands.stop,
    task_commands.pause,
    task_commands.resume,
    task_commands.say,
    approval_commands.approvals,
    approval_commands.approve,
    approval_commands.reject,
    store_commands.conversations,
    store_commands.delete,
    store_commands.prune,
    process_commands.serve,
    process_commands.up,
    process_commands.demo,
    process_commands.doctor,
):
    program.command()(command)


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


def start() -> None:
    """Run the command line."""
    # Not `program()`, which would put typer's own excepthook in the place of ours.
    prompt_end(lambda: guarded(typer.main.get_command(program)))

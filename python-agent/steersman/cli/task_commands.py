"""The commands that are about one task, or the newest of them."""
# ruff: noqa: PLC0415 - each imports its work when it runs: `--help` must be quick

from enum import StrEnum
from typing import Annotated, Literal

import typer

from steersman.cli.starting import JsonOption, TaskArgument, finish, read_settings


class State(StrEnum):
    """The states of tasks. Not those of the core, whose import `--help` would pay for."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


OnBusy = Literal["enqueue", "reject", "interrupt"]


def run(  # noqa: PLR0913 - a parameter for each option
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What shall be done.")],
    workspace: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where to work; at a server, a workspace's name."),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Who works on it: developer, tester, or yours."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="What thinks, such as openai/NAME; not at a server."),
    ] = None,
    conversation: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with this conversation.")
    ] = None,
    on_busy: Annotated[
        OnBusy, typer.Option(help="What if that conversation has a task that has not ended.")
    ] = "enqueue",
    as_json: JsonOption = False,
) -> None:
    """Have a goal worked on and watch it.

    Ctrl-C stops the task; a second one leaves it as it is. The exit code is 0 when the task
    completed, 1 when it failed, 3 when it was stopped, 2 for wrong usage, 130 when you left.
    """
    from steersman.cli.run import Goal, refuse_model, run_goal

    settings = read_settings(model=model)
    refuse_model(settings, model)
    asked = Goal(goal, workspace, role, conversation, on_busy)
    finish(run_goal(asked, settings, as_json=as_json))


def watch(
    task: TaskArgument,
    after: Annotated[
        int, typer.Option(metavar="SEQ", min=0, help="Begin after the event of this number.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show a task from its beginning to its end.

    One that no process works on is gone on with here.
    """
    from steersman.cli.run import watch_task

    finish(watch_task(task, read_settings(), after=after, as_json=as_json))


def tasks(
    state: Annotated[
        list[State] | None,
        typer.Option(metavar="STATE", help=f"Only these, repeatable: {', '.join(State)}."),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="How many, at most 100.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the newest tasks."""
    from steersman.cli.listing import list_tasks

    finish(list_tasks(read_settings(), states=state or (), limit=limit, as_json=as_json))


def show(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Show where a task stands."""
    from steersman.cli.listing import show_task

    finish(show_task(task, read_settings(), as_json=as_json))


def stop(
    task: TaskArgument,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the log.")] = None,
) -> None:
    """Stop a task. What it has done stays."""
    from steersman.cli.telling import stop_task

    finish(stop_task(task, read_settings(), reason=reason))


def pause(task: TaskArgument) -> None:
    """Pause a task: a tool that runs may end, nothing more begins."""
    from steersman.cli.telling import pause_task

    finish(pause_task(task, read_settings()))


def resume(task: TaskArgument) -> None:
    """Go on with a paused task."""
    from steersman.cli.telling import resume_task

    finish(resume_task(task, read_settings()))


def say(
    task: TaskArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A message, or an answer.")],
) -> None:
    """Say something to a task.

    It steers the next step, or answers the task's question.
    """
    from steersman.cli.telling import say_to_task

    finish(say_to_task(task, text, read_settings()))

"""The commands that are about what is kept: conversations, and what is deleted."""
# ruff: noqa: PLC0415 - each imports its work when it runs: `--help` must be quick

from typing import Annotated

import typer

from steersman.cli.starting import JsonOption, TaskArgument, finish, read_settings


def conversations(
    archived: Annotated[
        bool, typer.Option("--archived", help="Those that were put away instead.")
    ] = False,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=200, help="How many, at most 200.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List conversations, the newest activity first."""
    from steersman.cli.conversations import list_conversations

    finish(list_conversations(read_settings(), archived=archived, limit=limit, as_json=as_json))


def delete(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Delete a task that has ended, with all that is kept of it.

    Its log, its history and what it gave to others go too. There is no way back.
    """
    from steersman.cli.deleting import delete_task

    finish(delete_task(task, read_settings(), as_json=as_json))


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="A number with h, d or w, such as 30d.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted; delete nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete what ended long ago.

    It is for whoever runs this store: the tasks of everybody go, each with all that it gave to
    others, once all of that has ended. What is kept in files of tasks that are gone is removed, and
    the folder of a conversation that is gone; named workspaces and your directories stay.
    """
    from steersman.cli.deleting import prune_tasks

    finish(prune_tasks(older_than, read_settings(), dry_run=dry_run, as_json=as_json))

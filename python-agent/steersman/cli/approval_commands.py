"""The commands that are about what waits for a person's approval."""
# ruff: noqa: PLC0415 - each imports its work when it runs: `--help` must be quick

from typing import Annotated

import typer

from steersman.cli.starting import JsonOption, finish, read_settings

ApprovalArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An approval's id, or its last 4 or more characters.")
]


def approvals(
    every: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the calls that wait for your approval."""
    from steersman.cli.approvals import list_approvals

    finish(list_approvals(read_settings(), every=every, as_json=as_json))


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
    finish(decide(approval, verdict, read_settings()))


def reject(
    approval: ApprovalArgument,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; the model reads it.")
    ] = None,
) -> None:
    """Refuse a call. The task goes on without it."""
    from steersman.cli.approvals import Verdict, decide

    finish(decide(approval, Verdict(False, reason=reason), read_settings()))

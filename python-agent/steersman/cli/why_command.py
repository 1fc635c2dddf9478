"""The command that says why nobody works on a task."""
# ruff: noqa: PLC0415 - it imports its work when it runs: `--help` must be quick

from steersman.cli.starting import JsonOption, TaskArgument, finish, read_settings


def why(task: TaskArgument, as_json: JsonOption = False) -> None:
    """Say why no worker takes a task.

    It names the first condition that does not hold: it has ended, is held, is not due, waits for a
    person, for its turn or for its workspace, or no live worker can take it.
    """
    from steersman.cli.explaining import explain_task

    finish(explain_task(task, read_settings(), as_json=as_json))

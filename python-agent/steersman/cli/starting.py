"""What all commands begin and end with: their settings, their logs, their exit code."""
# ruff: noqa: PLC0415 - each command imports its work when it runs: `--help` must be quick

import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steersman.cli.boundary import BROKEN_PIPE, give_stdout_up

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from steersman.logs import Redaction
    from steersman.settings import Settings

TaskArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A task id, or its last 4 or more characters.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON lines and nothing else.")]


def read_settings(
    *, model: str | None = None, host: str | None = None, port: int | None = None
) -> "Settings":
    """Read the settings; what stands on the command line wins."""
    from steersman.settings import load_settings

    given = {"model": model, "host": host, "port": port}
    settings = load_settings()
    return settings.model_copy(update={k: v for k, v in given.items() if v is not None})


def secrets_of(settings: "Settings") -> set[str]:
    """Collect what must stand in no log."""
    from steersman.logs import known_secrets

    ours = (
        settings.agent_key,
        settings.api_token,
        settings.database_url,
        settings.redis_url,
    )
    values = [secret.get_secret_value() for secret in ours if secret is not None]
    return known_secrets(os.environ, values)


def redaction_of(settings: "Settings") -> "Redaction":
    """Return what takes secrets out of texts."""
    from steersman.logs import Redaction

    return Redaction(secrets_of(settings))


def configure_logs(settings: "Settings", level: int) -> None:
    """Write logs as the settings say, without what is secret."""
    from steersman.logs import configure_logging

    configure_logging(settings.log_format, level=level, secrets=secrets_of(settings))


def finish(
    work: Coroutine[Any, Any, int | None], new_loop: "Callable[[], AbstractEventLoop] | None" = None
) -> None:
    """Run a command's work; what it returns is the exit code."""
    import asyncio
    import gc

    gc.freeze()
    gc.enable()
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            code = runner.run(work) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        # Here, because typer would make it a failure on its way out.
        give_stdout_up()
        code = BROKEN_PIPE
    raise typer.Exit(code)

"""`why`: the first condition of a claim that a task does not meet."""

import json
import sys
from dataclasses import asdict

from steersman.cli.client import find_task, open_client
from steersman.cli.untrusted import short_id
from steersman.core.errors import Invalid
from steersman.settings import Settings


async def explain_task(text: str, settings: Settings, *, as_json: bool) -> int:
    """Say why no worker takes a task."""
    if settings.url is not None:
        raise Invalid("why looks into the store of this machine: unset STEERSMAN_URL")
    from steersman.app.why import explain  # noqa: PLC0415 - the store costs 0.2 s

    async with open_client(settings) as client:
        task_id = await find_task(client, text)
    found = await explain(settings, task_id)
    said = f"{short_id(task_id)}: {found.reason}."
    body = {"task_id": task_id, **asdict(found)}
    sys.stdout.write(f"{json.dumps(body) if as_json else said}\n")
    return 0

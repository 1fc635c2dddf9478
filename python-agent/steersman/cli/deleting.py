"""`delete` and `prune`: what goes, and what is said of it."""

import json
import re
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from steersman.cli.client import find_task, open_client
from steersman.cli.untrusted import short_id
from steersman.core.errors import Invalid
from steersman.core.events import format_time
from steersman.core.ids import TaskId
from steersman.core.retention import DeletedTask, OldTrees, Removals
from steersman.settings import Settings

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(slots=True)
class _Sum:
    """What has been deleted so far."""

    tasks: int = 0
    events: int = 0
    size_bytes: int = 0
    roots: set[TaskId] = field(default_factory=set[TaskId])

    def add(self, task: DeletedTask) -> None:
        self.tasks += 1
        self.events += task.events
        self.size_bytes += task.size_bytes
        self.roots.add(task.root_id)

    def trees(self) -> OldTrees:
        return OldTrees(len(self.roots), self.tasks, self.events, self.size_bytes)


async def delete_task(text: str, settings: Settings, *, as_json: bool) -> int:
    """Delete the tree of a task that has ended."""
    async with open_client(settings) as client:
        task_id = await find_task(client, text)
        await client.delete(task_id)
    said = json.dumps({"deleted": task_id}) if as_json else f"Deleted {short_id(task_id)}."
    sys.stdout.write(f"{said}\n")
    return 0


async def prune_tasks(older_than: str, settings: Settings, *, dry_run: bool, as_json: bool) -> int:
    """Delete the trees that ended longer ago than an age, or say how much that would be."""
    before = moment_before(older_than, datetime.now(UTC))
    if settings.url is not None:
        raise Invalid("prune works on the store of this machine: unset STEERSMAN_URL")
    # The store costs 0.2 s; a wrong age is told before.
    from steersman.app.retention import open_removals  # noqa: PLC0415

    async with open_removals(settings) as removals:
        if dry_run:
            _report(await removals.old(before), before, as_json=as_json, files=None)
        else:
            found = await _prune(removals, before, as_json=as_json)
            _report(found, before, as_json=as_json, files=await removals.clear())
    return 0


async def _prune(removals: Removals, before: datetime, *, as_json: bool) -> OldTrees:
    deleted = _Sum()
    async for batch in removals.prune(before):
        for task in batch:
            deleted.add(task)
            if as_json:
                sys.stdout.write(json.dumps({"type": "task_deleted", **asdict(task)}) + "\n")
        sys.stdout.flush()
    return deleted.trees()


def _report(found: OldTrees, before: datetime, *, as_json: bool, files: int | None) -> None:
    """Say what was deleted; `files` None: what would be."""
    if as_json:
        kind = "would_delete" if files is None else "pruned"
        body = {"type": kind, "before": format_time(before), **asdict(found)}
        sys.stdout.write(
            json.dumps(body if files is None else {**body, "workspaces": files}) + "\n"
        )
        return
    sys.stdout.write(
        f"{'Would delete' if files is None else 'Deleted'} {_count(found.tasks, 'task')} "
        f"({_count(found.trees, 'tree')}, {_count(found.events, 'event')}, "
        f"{_size(found.size_bytes)}) that ended before {before:%Y-%m-%d %H:%M} UTC.\n"
    )
    if files:
        sys.stdout.write(f"Removed what was kept in files of {_count(files, 'workspace')}.\n")


def moment_before(age: str, now: datetime) -> datetime:
    """Return the moment that was so long ago. Raises Invalid."""
    read = re.fullmatch(r"(\d+)([hdw])", age.strip(), re.ASCII)
    if read is None:
        raise Invalid(f"--older-than {age}: expected a number with h, d or w, such as 30d")
    try:
        return now - int(read[1]) * _UNITS[read[2]]
    except OverflowError:
        raise Invalid(f"--older-than {age}: that is before the calendar begins") from None


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1_000:,.1f} kB"
    return f"{size_bytes / 1_000_000:,.1f} MB"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

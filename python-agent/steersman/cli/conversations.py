"""`conversations`: what was talked about, and which of them is meant."""

import json
import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from steersman.cli.client import TaskClient, open_client
from steersman.cli.lines import short_id
from steersman.cli.listing import age
from steersman.cli.untrusted import one_line
from steersman.core.errors import Invalid, NotFound
from steersman.core.events import JsonObject
from steersman.settings import Settings

_ID_LENGTH = 36
_MIN_SUFFIX_LENGTH = 4
_SEARCHED = 200


async def list_conversations(
    settings: Settings, *, archived: bool, limit: int, as_json: bool
) -> int:
    """Print conversations, one line each, the newest activity first."""
    async with open_client(settings) as client:
        page = await client.conversations(archived=archived, limit=limit)
    if as_json:
        sys.stdout.writelines(json.dumps(item) + "\n" for item in page.items)
        return 0
    console = Console(highlight=False, markup=False, emoji=False)
    if not page.items:
        console.print("No conversation was put away." if archived else "No conversations yet.")
    now = datetime.now(UTC)
    for item in page.items:
        line = conversation_line(item, now)
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    return 0


def conversation_line(item: JsonObject, now: datetime) -> Text:
    """Return a conversation as one line: id, whether it is at work, age, tasks, title."""
    used = datetime.fromisoformat(str(item.get("updated_at"))).astimezone(UTC)
    count = int(item.get("task_count", 0))
    return Text.assemble(
        (short_id(str(item.get("conversation_id"))), "bold"),
        "  ",
        (f"{'busy' if item.get('active_task_id') else 'idle':<4}", "dim"),
        (f"  {age(now - used):>6}  {count:>3} {'task ' if count == 1 else 'tasks'}  ", "dim"),
        one_line(str(item.get("title") or "")),
    )


async def find_conversation(client: TaskClient, text: str) -> str:
    """Return the id that was given whole or by its end, among those used last."""
    suffix = text.strip().lower()
    if len(suffix) == _ID_LENGTH:
        return suffix
    if len(suffix) < _MIN_SUFFIX_LENGTH:
        raise Invalid(f"{text!r}: give at least the last 4 characters of the conversation's id")
    page = await client.conversations(limit=_SEARCHED)
    ids = [str(item["conversation_id"]) for item in page.items]
    found = [each for each in ids if each.endswith(suffix)]
    if len(found) > 1:
        raise Invalid(f"{text!r} is the end of {len(found)} conversations; give more of the id")
    if not found:
        raise NotFound(f"No conversation ends in {text!r}; `steersman conversations` lists them")
    return found[0]

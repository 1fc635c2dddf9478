"""`conversations`: what was talked about, and which of them is meant."""

from datetime import UTC, datetime

from rich.text import Text

from steersman.cli.calls import number
from steersman.cli.client import TaskClient, open_client
from steersman.cli.listing import since
from steersman.cli.printing import Printer, print_json
from steersman.cli.untrusted import one_line, short_id
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
        print_json(page.items)
        return 0
    printer = Printer.of_stdout()
    if not page.items:
        none = "No conversation was put away." if archived else "No conversations yet."
        printer.say([Text(none)])
        return 0
    printer.row(Text(f"{'ID':<8}  {'STATE':<5}  {'USED':>6}  {'TASKS':>5}  TITLE", style="dim"))
    now = datetime.now(UTC)
    for item in page.items:
        printer.row(conversation_line(item, now))
    return 0


def conversation_line(item: JsonObject, now: datetime) -> Text:
    """Return a conversation as one line: id, whether it is at work, age, tasks, title."""
    return Text.assemble(
        (short_id(item.get("conversation_id")), "bold"),
        "  ",
        (f"{'busy' if item.get('active_task_id') else 'idle':<5}", "dim"),
        (f"  {since(item.get('updated_at'), now):>6}", "dim"),
        (f"  {number(item.get('task_count')):>5}  ", "dim"),
        one_line(item.get("title") or ""),
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

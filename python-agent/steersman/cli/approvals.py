"""`approvals`, `approve`, `reject`: what waits for a person, and the decision."""

import json
import sys
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from steersman.cli.calls import Call
from steersman.cli.client import TaskClient, open_client
from steersman.cli.lines import short_id
from steersman.cli.untrusted import one_line, visible
from steersman.core.commands import DecideApproval
from steersman.core.errors import ApprovalNotFound, Invalid
from steersman.core.events import JsonObject
from steersman.settings import Settings

_MIN_SUFFIX_LENGTH = 4
_SEARCHED = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision as it was typed. `arguments` is JSON that replaces what was shown."""

    approve: bool
    reason: str | None = None
    arguments: str | None = None
    remember: bool = False


async def list_approvals(settings: Settings, *, every: bool, as_json: bool) -> int:
    """Print the approvals that are pending, or every one, newest first."""
    async with open_client(settings) as client:
        page = await client.approvals(states=() if every else ("pending",))
    if as_json:
        sys.stdout.writelines(json.dumps(item) + "\n" for item in page.items)
        return 0
    console = Console(highlight=False, markup=False, emoji=False)
    if not page.items:
        console.print("Nothing waits for an approval.")
    for item in page.items:
        for line in approval_lines(item):
            console.print(line, soft_wrap=True)
    return 0


async def decide(text: str, verdict: Verdict, settings: Settings) -> int:
    """Decide on the pending approval that was given whole or by its end."""
    edited = read_arguments(verdict.arguments)
    async with open_client(settings) as client:
        shown = await _find_pending(client, text)
        ruled = await client.decide(
            DecideApproval(
                approval_id=shown["approval_id"],
                decision="approve" if verdict.approve else "reject",
                arguments_sha256=shown["arguments_sha256"],
                arguments=edited,
                reason=verdict.reason,
                remember="conversation" if verdict.remember else None,
            )
        )
    said = f"{str(ruled['state']).capitalize()}. Follow with: steersman watch "
    sys.stdout.write(said + short_id(str(ruled["task_id"])) + "\n")
    return 0


def approval_lines(item: JsonObject) -> list[Text]:
    """Return an approval as lines: what would run, whole, and why somebody is asked."""
    call = Call(str(item.get("action_id")), str(item.get("tool")), item.get("arguments") or {})
    state = str(item.get("state"))
    by = f" by {one_line(str(item['decided_by']))}" if item.get("decided_by") else ""
    head = Text.assemble((short_id(str(item["approval_id"])), "bold"), f"  {state}{by}  ")
    head.append(f"{one_line(call.tool)} of task {short_id(str(item['task_id']))}")
    about = f"{one_line(str(item['reason']))}; until {str(item['expires_at'])[:19]} UTC"
    return [head, Text(f"  {about}", style="dim"), *whole_arguments(call.arguments)]


def whole_arguments(arguments: JsonObject) -> list[Text]:
    """Return every argument to its end: nobody can approve what is not shown."""
    lines: list[Text] = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        first, *rest = visible(text).split("\n")
        lines.append(Text(f"  {one_line(name)}: {first}"))
        lines += [Text(f"    {line}") for line in rest]
    return lines


def read_arguments(text: str | None) -> JsonObject | None:
    """Read edited arguments; raises Invalid when they are no JSON object."""
    if text is None:
        return None
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise Invalid(f"--arguments: no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Invalid("--arguments: expected a JSON object")
    return found  # pyright: ignore[reportUnknownVariableType]


async def _find_pending(client: TaskClient, text: str) -> JsonObject:
    suffix = text.strip().lower()
    if len(suffix) < _MIN_SUFFIX_LENGTH:
        raise Invalid(f"{text!r}: give at least the last 4 characters of the approval's id")
    page = await client.approvals(states=("pending",), limit=_SEARCHED)
    found = [item for item in page.items if str(item["approval_id"]).endswith(suffix)]
    if len(found) > 1:
        raise Invalid(f"{text!r} is the end of {len(found)} approvals; give more of the id")
    if not found:
        raise ApprovalNotFound(
            f"No pending approval ends in {text!r}; `steersman approvals` lists them"
        )
    return found[0]

"""`approvals`, `approve`, `reject`: what waits for a person, and the decision."""

import json
from dataclasses import dataclass

from rich.text import Text

from steersman.cli.cards import Shown, card, read_whole
from steersman.cli.client import TaskClient, open_client
from steersman.cli.lettering import paragraph
from steersman.cli.printing import Printer, print_json
from steersman.cli.untrusted import one_line, short_id
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
            print_json(page.items)
            return 0
        shown = [await read_whole(client, item) for item in page.items]
    printer = Printer.of_stdout()
    if not shown:
        printer.say([Text("Nothing waits for an approval.")])
    for one in shown:
        printer.say(approval_lines(one, printer.width))
    if any(_is_pending(one) for one in shown):
        how = "decide with: steersman approve ID, or steersman reject ID --reason TEXT"
        printer.say([Text(), *paragraph(how, printer.columns, style="dim", by=3)])
    return 0


async def decide(text: str, verdict: Verdict, settings: Settings) -> int:
    """Decide on the pending approval that was given whole or by its end, and show what it was."""
    edited = read_arguments(verdict.arguments)
    printer = Printer.of_stdout()
    async with open_client(settings) as client:
        shown = await read_whole(client, await _find_pending(client, text))
        printer.say(card(shown, printer.width))
        if shown.missing and verdict.approve and edited is None:
            raise Invalid(f"it can only be rejected while not all of it is there: {shown.missing}")
        ruled = await client.decide(
            DecideApproval(
                approval_id=shown.approval["approval_id"],
                decision="approve" if verdict.approve else "reject",
                arguments_sha256=shown.approval["arguments_sha256"],
                arguments=edited,
                reason=verdict.reason,
                remember="conversation" if verdict.remember else None,
            )
        )
    said = f"{one_line(ruled['state']).capitalize()}{', with your arguments' if edited else ''}."
    follow = f"Follow with: steersman watch {short_id(ruled['task_id'])}"
    printer.say([Text(), Text(f"{said} {follow}")])
    return 0


def approval_lines(shown: Shown, width: int | None) -> list[Text]:
    """Return an approval as lines: what would run, whole, and what was decided if it was."""
    lines = card(shown, width)
    if not _is_pending(shown):
        by = shown.approval.get("decided_by")
        state = one_line(shown.approval.get("state"))
        lines.append(Text(f"     {state}{f' by {one_line(by)}' if by else ''}", style="bold"))
    return lines


def _is_pending(shown: Shown) -> bool:
    return shown.approval.get("state") == "pending"


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

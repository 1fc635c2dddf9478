"""Asking for a decision: only what could be shown whole can be approved."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest
from rich.text import Text

from steersman.cli.cards import card, how_to_decide, read_whole
from steersman.cli.deciding import ApprovalPrompt
from steersman.core.commands import Command, DecideApproval
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from steersman.tools import load_tools
from tests.agent.cli.samples import PlayedClient, event

NAME = "5" * 64
REQUEST = event(
    "approval_requested",
    approval_id="01997a3e-2222-7abc-8def-0123456789cd",
    action_id="1.0",
    tool="write_file",
    arguments={"path": "a.py", "content": {"artifact": NAME, "bytes": 9}},
    arguments_sha256="6" * 64,
    reason="approvals of the role: write_file always",
    expires_at="2026-11-24T14:30:00.000Z",
)


class Storing(PlayedClient):
    """Has one artifact, or none."""

    def __init__(self, *log: JsonObject, text: str | None) -> None:
        super().__init__(*log)
        self._text = text

    async def artifact(self, task_id: TaskId, name: str) -> bytes:
        if self._text is None:
            return await super().artifact(task_id, name)
        assert name == NAME
        return self._text.encode()


class Page:
    """Keeps what is shown, and the order of it."""

    width = 80

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def say(self, lines: Sequence[Text]) -> None:
        self.lines += [line.plain.strip() for line in lines]

    @contextmanager
    def suspended(self) -> Generator[None]:
        yield


async def asked(client: PlayedClient, *typed: str | None) -> tuple[list[Command], list[str]]:
    """Have what is typed answer the request. Returns what was posted, and what was shown."""
    answers, page = iter(typed), Page()

    async def read(prompt: str) -> str | None:
        page.lines.append(prompt.strip())
        return next(answers)

    prompt = ApprovalPrompt(client, page, read)
    async with asyncio.TaskGroup() as group:
        prompt.take(REQUEST, group)
    return client.posted, page.lines


def decision(decision: str, **fields: object) -> DecideApproval:
    return DecideApproval.model_validate(
        {
            "approval_id": REQUEST["approval_id"],
            "arguments_sha256": REQUEST["arguments_sha256"],
            "decision": decision,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("typed", "posted"),
    [
        ("y", decision("approve")),
        ("A", decision("approve", remember="conversation")),
        ("n", decision("reject")),
        ("yes, but not now", decision("reject", reason="yes, but not now")),
    ],
)
async def test_what_is_typed_decides(typed: str, posted: DecideApproval) -> None:
    found, lines = await asked(Storing(REQUEST, text="one\ntwo"), typed)
    assert (found, lines[-1]) == ([posted], "456789cd write_file a.py? >")
    assert lines.index("│ two") < lines.index(lines[-1])


async def test_what_could_not_be_shown_whole_cannot_be_approved() -> None:
    posted, lines = await asked(Storing(REQUEST, text=None), "y", "a", "not unseen")
    assert posted == [decision("reject", reason="not unseen")]
    assert "! not all of it can be shown: There is no artifact by that name." in lines
    assert sum("not all of it was shown" in line for line in lines) == 2


async def test_the_end_of_the_input_leaves_the_task_waiting() -> None:
    posted, lines = await asked(Storing(REQUEST, text="x"), None)
    assert posted == []
    assert lines[-1] == (
        "not decided here; the task waits for: steersman approve 456789cd, or reject"
    )


async def test_a_line_that_is_broken_has_another_edge_and_loses_nothing() -> None:
    text = "漢字" * 60 + "end\n\nnext"
    shown = await read_whole(Storing(text=text), REQUEST)
    quoted = [line.plain.strip() for line in card(shown, 60) if line.plain[5:7] in {"│ ", "┆ "}]
    assert [line[0] for line in quoted] == ["│", *"┆" * (len(quoted) - 3), "│", "│"]
    assert "".join(line[2:] for line in quoted) == text.replace("\n", "")


async def test_the_card_says_what_a_remembered_approval_covers() -> None:
    by_path = {name for name, tool in load_tools().items() if tool.same_by}
    assert {tool.same_by for tool in load_tools().values()} == {(), ("path",)}
    for tool in load_tools():
        shown = await read_whole(Storing(text="x"), {**REQUEST, "tool": tool})
        covers = "any content into a.py" if tool in by_path else "this very call again"
        assert covers in how_to_decide(shown)[0]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("one", ["content  one"]),
        ("one\n", ["content  1 line, 4 bytes", "│ one"]),
        (
            "one\n\ntwo",
            ["content  3 lines, 8 bytes, no line feed at its end", "│ one", "│", "│ two"],
        ),
        ("\n", ["content  1 line, 1 bytes", "│"]),
    ],
)
async def test_a_card_tells_texts_apart_by_their_last_line_feed(
    text: str, quoted: list[str]
) -> None:
    shown = await read_whole(Storing(text=text), REQUEST)
    lines = [line.plain.strip() for line in card(shown, 80)]
    assert lines[lines.index("path  a.py") + 1 :] == quoted

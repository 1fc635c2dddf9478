"""Seeing a task through: its end, its questions, Ctrl-C."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import pytest
from rich.text import Text

from steersman.cli.follow import LEFT, Follower, JsonLines
from steersman.core.commands import AddMessage, Command, StopTask
from steersman.core.errors import StoreUnavailable, TaskEnded
from steersman.core.events import JsonObject
from steersman.core.ids import TaskId
from tests.agent.cli.samples import COMPLETED, SUBMITTED, TASK_ID, PlayedClient, delta, event

QUESTION = event("question_asked", question="Which?")


class Keys:
    """Types the same answer whenever it is asked."""

    def __init__(self, answer: Callable[[], Awaitable[str]]) -> None:
        self._answer = answer

    async def read(self, prompt: str, *, pasted: bool = False) -> str:
        return await self._answer()


class Screen:
    """Keeps what it is shown; runs `at` when a type of event comes."""

    width = 80

    def __init__(self) -> None:
        self.types: list[str] = []
        self.notes: list[str] = []
        self.signals: dict[str, int] = {}

    def show(self, wire: JsonObject) -> None:
        self.types.append(wire["type"])
        if number := self.signals.pop(wire["type"], None):
            os.kill(os.getpid(), number)

    def note(self, text: str) -> None:
        self.notes.append(text)
        if number := self.signals.pop("note", None):
            os.kill(os.getpid(), number)

    def say(self, lines: Sequence[Text]) -> None:
        self.types += [line.plain for line in lines]

    def finish(self, view: JsonObject) -> None:
        self.types.append(f"finish {view['state']}")

    @contextmanager
    def suspended(self) -> Generator[None]:
        self.types.append("asking")
        yield


async def follow(
    client: PlayedClient, screen: Screen, *, stops: bool = True, keys: Keys | None = None
) -> int:
    return await Follower(client, screen, stops=stops, keys=keys).follow(TASK_ID)


@pytest.mark.parametrize(
    ("kind", "code"), [("task_completed", 0), ("task_failed", 1), ("task_stopped", 3)]
)
async def test_the_exit_code_is_how_the_task_ended(kind: str, code: int) -> None:
    screen = Screen()
    assert await follow(PlayedClient(SUBMITTED, event(kind)), screen) == code
    assert screen.types == ["task_submitted", kind, f"finish {kind.removeprefix('task_')}"]


async def test_the_first_ctrl_c_stops_the_task_and_waits_for_its_end() -> None:
    client, screen = PlayedClient(SUBMITTED, endless=True), Screen()
    screen.signals["task_submitted"] = signal.SIGINT
    assert await follow(client, screen) == 3
    assert client.posted == [StopTask(reason="Ctrl-C")]
    assert screen.notes == ["stopping; Ctrl-C again leaves the task as it is"]


async def test_the_second_ctrl_c_leaves_and_says_how_to_come_back() -> None:
    class Deaf(PlayedClient):
        async def post(self, task_id: TaskId, command: Command) -> JsonObject:
            return {}

    screen = Screen()
    screen.signals = {"task_submitted": signal.SIGINT, "note": signal.SIGINT}
    assert await follow(Deaf(SUBMITTED, endless=True), screen) == LEFT
    assert screen.notes[-1] == "left; come back with: steersman watch 456789ab"


@pytest.mark.parametrize(("number", "stops"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
async def test_sigterm_and_a_watchers_ctrl_c_leave_at_once(number: int, stops: bool) -> None:
    client, screen = PlayedClient(SUBMITTED, endless=True), Screen()
    screen.signals["task_submitted"] = number
    assert await follow(client, screen, stops=stops) == LEFT
    assert client.posted == []


async def test_a_stop_that_fails_is_told_and_the_watch_goes_on() -> None:
    class Ended(PlayedClient):
        async def post(self, task_id: TaskId, command: Command) -> JsonObject:
            self._stopped.set()
            raise TaskEnded

    screen = Screen()
    screen.signals["task_submitted"] = signal.SIGINT
    assert await follow(Ended(SUBMITTED, endless=True), screen) == 3
    assert screen.notes[1].startswith("could not be stopped: The task has ended.")


async def test_a_question_is_answered_at_the_prompt() -> None:
    async def typed() -> str:
        return "The first."

    client, screen = PlayedClient(SUBMITTED, QUESTION, COMPLETED), Screen()
    assert await follow(client, screen, keys=Keys(typed)) == 0
    assert client.posted == [AddMessage(text="The first.")]
    assert screen.types == [
        "task_submitted",
        "question_asked",
        "asking",
        "task_completed",
        "finish completed",
    ]


async def test_a_question_that_another_person_answers_is_no_longer_asked() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def typed() -> str:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    client = PlayedClient(QUESTION, event("message_added", text="x"), COMPLETED)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow(client, Screen(), keys=Keys(typed)))
        await asked.wait()
        await client.post(TASK_ID, AddMessage(text="from elsewhere"))
    assert (following.result(), ended.is_set()) == (0, True)


async def test_an_error_comes_out_as_itself() -> None:
    class Gone(PlayedClient):
        async def view(self, task_id: TaskId, *, min_seq: int = 0) -> JsonObject:
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        await follow(Gone(COMPLETED), Screen())


async def test_json_lines_are_events_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    client = PlayedClient(
        SUBMITTED, delta("x", 0), event("message_added", text="\u202e"), COMPLETED
    )
    follower = Follower(client, JsonLines(), stops=True)
    assert await follower.follow(TASK_ID, after=0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == [
        "task_submitted",
        "message_added",
        "task_completed",
    ]
    assert all(line.isascii() for line in lines)

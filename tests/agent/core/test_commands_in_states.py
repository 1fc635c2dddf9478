"""Every command in every state: what it is answered, what the log then holds, where it rests.

A row: the commands in their order | the answers: the states in which they were accepted, or why
they were not | the events since. `> ` stands before those that answer a command, `completes` for
the thought, outcome and end of a task that goes on, `skipped` for a call that was not begun.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping

import pytest

from steersman.core.commands import AddMessage
from steersman.core.events import Envelope, ThoughtRecorded
from steersman.core.fold import fold
from tests.agent.core.making import kinds
from tests.agent.core.people import People
from tests.agent.core.playing import USAGE, PlayedModel, Stage
from tests.agent.core.scenes import Scene, outcomes_per_call, since
from tests.agent.postgres.making import ME, Store, opened

pytestmark = pytest.mark.slow  # every command in every state: many cases

TABLE: Mapping[str, str] = {
    "queued": """
stop            | queued           | > stopping, stopped
pause           | queued           | > paused, waits
resume          | queued           | > refused, claimed, completes
message         | queued           | > message, claimed, completes
stop stop       | queued, stopped  | > stopping, stopped
pause pause     | queued, waiting  | > paused, > refused, waits
message message | queued, queued   | > message, > message, claimed, completes
stop pause      | queued, ended    | > stopping, stopped
pause resume    | queued, waiting  | > paused, > resumed, claimed, completes
pause stop      | queued, waiting  | > paused, > stopping, stopped
""",
    "thinking": """
stop            | running          | thought, > stopping, stopped
pause           | running          | thought, > paused, waits
resume          | running          | thought, > refused, succeeded, completes
message         | running          | thought, > message, completes
stop stop       | running, running | thought, > stopping, > refused, stopped
pause pause     | running, running | thought, > paused, > refused, waits
message message | running, running | thought, > message, > message, completes
stop pause      | running, running | thought, > stopping, > refused, stopped
pause resume    | running, running | thought, > paused, > resumed, completes
pause stop      | running, running | thought, > paused, > stopping, stopped
""",
    "in a tool": """
stop            | running          | interrupted, > stopping, skipped, stopped
pause           | running          | succeeded, > paused, waits
resume          | running          | succeeded, > refused, succeeded, completes
message         | running          | succeeded, > message, > skipped, completes
stop stop       | running, running | interrupted, > stopping, > refused, skipped, stopped
pause pause     | running, running | succeeded, > paused, > refused, waits
message message | running, running | succeeded, > message, > skipped, > message, completes
stop pause      | running, running | interrupted, > stopping, > refused, skipped, stopped
pause resume    | running, running | succeeded, > paused, > resumed, succeeded, completes
pause stop      | running, running | interrupted, > paused, > stopping, skipped, stopped
""",
    "asking": """
stop            | waiting          | > stopping, interrupted, stopped
pause           | waiting          | > paused, waits
resume          | waiting          | > refused, waits
message         | waiting          | > message, > succeeded, claimed, completes
stop stop       | waiting, stopped | > stopping, interrupted, stopped
pause pause     | waiting, waiting | > paused, > refused, waits
message message | waiting, running | > message, > succeeded, > message, claimed, completes
stop pause      | waiting, ended   | > stopping, interrupted, stopped
pause resume    | waiting, waiting | > paused, > resumed, waits
pause stop      | waiting, waiting | > paused, > stopping, interrupted, stopped
""",
    "approval": """
stop            | waiting          | > stopping, skipped, skipped, stopped
pause           | waiting          | > paused, waits
resume          | waiting          | > refused, waits
message         | waiting          | > message, > skipped, > skipped, claimed, completes
stop stop       | waiting, stopped | > stopping, skipped, skipped, stopped
pause pause     | waiting, waiting | > paused, > refused, waits
message message | waiting, running | > message, > skipped, > skipped, > message, claimed, completes
stop pause      | waiting, ended   | > stopping, skipped, skipped, stopped
pause resume    | waiting, waiting | > paused, > resumed, waits
pause stop      | waiting, waiting | > paused, > stopping, skipped, skipped, stopped
""",
    "paused": """
stop            | waiting          | > stopping, stopped
pause           | waiting          | > refused, waits
resume          | waiting          | > resumed, claimed, completes
message         | waiting          | > message, waits
stop stop       | waiting, stopped | > stopping, stopped
pause pause     | waiting, waiting | > refused, > refused, waits
message message | waiting, waiting | > message, > message, waits
stop pause      | waiting, ended   | > stopping, stopped
pause resume    | waiting, waiting | > refused, > resumed, claimed, completes
pause stop      | waiting, waiting | > refused, > stopping, stopped
""",
    "handed back": """
stop            | running          | > stopping, stopped
pause           | running          | > paused, waits
resume          | running          | > refused, claimed, completes
message         | running          | > message, claimed, completes
stop stop       | running, stopped | > stopping, stopped
pause pause     | running, waiting | > paused, > refused, waits
message message | running, running | > message, > message, claimed, completes
stop pause      | running, ended   | > stopping, stopped
pause resume    | running, waiting | > paused, > resumed, claimed, completes
pause stop      | running, waiting | > paused, > stopping, stopped
""",
    "worker died": """
stop            | running          | claimed, interrupted, skipped, > stopping, stopped
pause           | running          | claimed, interrupted, skipped, > paused, waits
resume          | running          | claimed, interrupted, skipped, > refused, completes
message         | running          | claimed, interrupted, skipped, > message, completes
stop stop       | running, running | claimed, interrupted, skipped, > stopping, > refused, stopped
pause pause     | running, running | claimed, interrupted, skipped, > paused, > refused, waits
message message | running, running | claimed, interrupted, skipped, > message, > message, completes
stop pause      | running, running | claimed, interrupted, skipped, > stopping, > refused, stopped
pause resume    | running, running | claimed, interrupted, skipped, > paused, > resumed, completes
pause stop      | running, running | claimed, interrupted, skipped, > paused, > stopping, stopped
""",
    "ended": """
stop            | completed        |
pause           | ended            |
resume          | ended            |
message         | ended            |
stop stop       | completed, completed |
pause pause     | ended, ended     |
message message | ended, ended     |
stop pause      | completed, ended |
pause resume    | ended, ended     |
pause stop      | ended, completed |
""",
}
WORDS = {
    "thought_recorded, action_succeeded, task_completed": "completes",
    "action_failed skipped": "skipped",
    "thought_recorded": "thought",
    "stop_requested": "stopping",
    "message_added": "message",
    "command_refused": "refused",
    "task_": "",
    "action_": "",
}


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        yield store


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")]


def rows(table: str) -> Iterator[list[str]]:
    yield from (cells(row) for row in table.strip().splitlines())


def story(scene: Scene, log: list[Envelope]) -> str:
    text = ", ".join(since(scene, log))
    for long, short in WORDS.items():
        text = text.replace(long, short)
    return text if fold(log).ending else f"{text}, waits"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("place", TABLE)
async def test_every_command_in_every_state(store: Store, place: str) -> None:
    found: list[list[str]] = []
    for commands, *_ in rows(TABLE[place]):
        scene = Scene(store, *commands.split())
        log = await scene.play(place)
        found.append([commands, ", ".join(scene.answers), story(scene, log)])
        counts = set(outcomes_per_call(log).values())
        assert counts <= ({1} if fold(log).ending else {0, 1})
    assert found == list(rows(TABLE[place]))


@pytest.mark.parametrize("name", ["stop", "pause", "message"])
async def test_what_had_streamed_and_was_spent_is_kept(store: Store, name: str) -> None:
    scene = Scene(store, name)
    log = await scene.play("thinking")
    (cut,) = (e.event for e in log if isinstance(e.event, ThoughtRecorded) and e.event.interrupted)
    assert (cut.text, cut.usage, cut.actions) == ("I was going to", USAGE, ())
    thoughts = sum(isinstance(envelope.event, ThoughtRecorded) for envelope in log)
    view = await scene.people.tasks.view(scene.task_id, ME)
    assert view["spent"]["input_tokens"] == USAGE.input_tokens * thoughts
    assert view["spent"]["cost_usd"] == pytest.approx(USAGE.cost_usd * thoughts)


async def test_the_same_command_under_the_same_id_is_one_command(store: Store) -> None:
    people = People(store, Stage(PlayedModel()))
    task_id = await people.submit()
    wish = AddMessage(text="Use tabs.")
    first = await people.tasks.post(task_id, ME, wish, command_id="one")
    await people.work()
    assert await people.tasks.post(task_id, ME, wish, command_id="one") == first
    log = await people.log(task_id)
    assert kinds(e.event for e in log if e.command_id == "one") == ["message_added"]

"""What the model is shown: bounded, with a beginning that stays, and only what is current."""

from collections.abc import Sequence
from typing import Any

import pytest

from steersman.adapters.in_memory_journal import InMemoryJournal, InMemoryTaskLog
from steersman.core.context import PromptBuilder
from steersman.core.events import Action, ContextCompacted, Envelope, Event
from steersman.core.fold import apply, fold
from steersman.core.ids import ActionId, WorkerId
from steersman.core.model import (
    AssistantMessage,
    OutcomeMessage,
    PromptMessage,
    SystemMessage,
    UserMessage,
)
from tests.agent.core.making import (
    TickingClock,
    action,
    asked,
    began,
    call_failed,
    claimed,
    failed,
    log,
    said,
    submitted,
    succeeded,
    thought,
)
from tests.agent.core.playing import CONTEXT_TOKENS, PlayedModel, Stage, refusal


class Told:
    """A task as it grows, and what its model would be shown."""

    def __init__(
        self, *events: Event, goal: str = "make it work", tokens: int = CONTEXT_TOKENS
    ) -> None:
        clock = TickingClock()
        journal = InMemoryJournal(InMemoryTaskLog(clock), WorkerId("reader"))
        self.runtime = Stage(PlayedModel(), clock=clock).runtime(journal)
        self.log = log(claimed(), first=submitted(goal, max_steps=10_000))
        self.state = fold(self.log)
        self.builder = self.new_builder()
        self._first = events

    def new_builder(self) -> PromptBuilder:
        return PromptBuilder(self.runtime, self.state, context_tokens=CONTEXT_TOKENS)

    def compacted_through(self) -> list[int]:
        events = (envelope.event for envelope in self.log)
        return [event.through_seq for event in events if isinstance(event, ContextCompacted)]

    async def grow(self, *events: Event) -> None:
        for event in (*self._first, *events):
            seq, at = self.state.seq + 1, self.state.updated_at
            envelope = Envelope(self.state.task_id, seq, at, 1, event)
            self.log.append(envelope)
            self.state = apply(self.state, envelope)
            await self.builder.extend([envelope], {})
        self._first = ()

    async def step(self, *outcomes: tuple[Action, Event]) -> bool:
        """Add a thought with its outcomes, compact as the loop does; say whether it did."""
        actions = [one for one, _ in outcomes]
        await self.grow(thought(*actions, step=self.state.step + 1), *(e for _, e in outcomes))
        compacted = self.builder.compaction(self.state)
        if compacted:
            await self.grow(compacted)
        return compacted is not None

    async def messages(self) -> Sequence[PromptMessage]:
        await self.grow()
        return self.builder.build(self.state).messages

    async def shown(self) -> list[PromptMessage]:
        """Return what stands between the goal and the words for the step."""
        return list((await self.messages())[2:-1])


def reading(name: str, output: str, **arguments: Any) -> tuple[Action, Event]:
    return action(name, path="a.py", **arguments), succeeded(name, output)


async def test_a_prompt_is_instructions_goal_turns_and_the_words_for_this_step() -> None:
    told = Told(thought(action("a")), succeeded("a", "text"), said("Use tabs."))
    system, goal, reply, outcome, message, step = await told.messages()
    assert isinstance(system, SystemMessage)
    assert goal == UserMessage("Your goal:\nmake it work")
    assert isinstance(reply, AssistantMessage)
    assert outcome == OutcomeMessage(ActionId("a"), "read_file", "text")
    assert message == UserMessage("Use tabs.")
    assert isinstance(step, UserMessage)
    assert "Step 2" in step.text


async def test_an_open_call_is_shown_with_a_note_in_place_of_its_outcome() -> None:
    told = Told(thought(action("a", "run"), action("b")), began("a"))
    assert refusal(await told.messages()) is None
    notes = [m.text for m in await told.shown() if isinstance(m, OutcomeMessage)]
    assert notes == ["(no outcome: the call was cut off before it ended)"] * 2


async def test_an_answer_is_shown_once_as_the_outcome_of_the_question() -> None:
    told = Told(thought(action("a", "ask_user")), asked("a"), said("Blue."))
    await told.grow(succeeded("a", "Blue.", "ask_user"), said("And large."))
    assert [m.text for m in (await told.shown())[1:]] == ["Blue.", "And large."]


async def test_a_thought_that_was_cut_is_shown_as_such_and_an_empty_one_not_at_all() -> None:
    told = Told(thought(text="I wa", interrupted=True), thought(text="", interrupted=True))
    assert await told.shown() == [AssistantMessage("I wa\n(interrupted)")]


async def test_a_message_of_white_space_does_not_make_the_prompt_unacceptable() -> None:
    told = Told(thought(action("a")), succeeded("a"), said("  \n"))
    assert refusal(await told.messages()) is None


async def test_outcomes_are_put_into_words() -> None:
    told = Told(thought(action("a"), action("b")), succeeded("a", ""), failed("b"))
    assert [m.text for m in (await told.shown())[1:]] == ["(no output)", "failed (not_found): no"]


@pytest.mark.parametrize("name", ["", "a b", "ümlaut", "n" * 200, "read.file"])
async def test_a_call_by_an_odd_name_does_not_make_the_prompt_unacceptable(name: str) -> None:
    told = Told(thought(action("a", name)), failed("a", "unknown_tool", name))
    assert refusal(await told.messages()) is None


async def test_only_the_newest_reading_of_a_file_is_shown() -> None:
    told = Told()
    await told.step(reading("a", "old " * 50))
    await told.step(reading("b", "new " * 50))
    await told.step((action("c", path="b.py"), succeeded("c", "other " * 50)))
    outcomes = [m.text[:4] for m in await told.shown() if isinstance(m, OutcomeMessage)]
    assert outcomes == ["(an ", "new ", "othe"]


async def test_other_lines_of_a_file_are_kept_until_all_of_it_is_read() -> None:
    told = Told()
    await told.step(reading("a", "top " * 50, start_line=1, end_line=9))
    await told.step(reading("b", "end " * 50, start_line=90))
    assert "top " in str(await told.shown())
    await told.step(reading("c", "all " * 50))
    assert ["top " in str(await told.shown()), "end " in str(await told.shown())] == [False, False]


async def test_a_reading_that_failed_replaces_nothing() -> None:
    told = Told()
    await told.step(reading("a", "old " * 50))
    await told.step((action("b", path="a.py"), failed("b")))
    assert "old " in str(await told.shown())


async def test_consecutive_prompts_share_all_but_the_last_message() -> None:
    told = Told()
    before, compactions = await told.messages(), 0
    for number in range(60):
        name = f"{number}"
        compacted = await told.step((action(name, path=name), succeeded(name, f"{name} " * 800)))
        now = await told.messages()
        if compacted:
            compactions += 1
        else:
            assert now[: len(before) - 1] == before[:-1]
        before = now
    assert 0 < compactions < 20


@pytest.mark.slow  # hundreds of steps
async def test_a_prompt_stays_within_the_window_for_hundreds_of_steps_with_long_outputs() -> None:
    told = Told(goal="g" * 100_000)
    checkpoints: list[int] = []
    for number in range(300):
        name = f"{number}"
        outcomes = [
            (action(f"{name}-{n}", path=f"{name}-{n}"), succeeded(f"{name}-{n}", "x" * 8_000))
            for n in range(number % 16 + 1)
        ]
        await told.step(*outcomes)
        if number % 50 == 0:
            await told.grow(*[said("m" * 30_000)] * 3)
            if compacted := told.builder.compaction(told.state):
                await told.grow(compacted)
        prompt = told.builder.build(told.state)
        assert prompt.estimated_tokens + prompt.max_output_tokens <= CONTEXT_TOKENS
        checkpoints.append(len(told.state.model_dump_json()))
    assert max(checkpoints[1:]) < 1.05 * checkpoints[0] + 2_000


async def test_the_work_for_a_step_does_not_grow_with_the_number_of_steps() -> None:
    told = Told()
    sizes: list[int] = []
    for number in range(400):
        name = f"{number:04}"
        await told.step((action(name, path=name), succeeded(name, f"{name} " * 300)))
        sizes.append(sum(len(m.text) for m in await told.messages()))
    since = told.compacted_through()[-1]
    assert max(sizes[300:]) < 1.05 * max(sizes[:100])
    assert told.state.seq - since < 100


async def test_another_process_shows_the_same_from_what_the_store_returns() -> None:
    told = Told()
    for number in range(60):
        name = f"{number}"
        await told.step((action(name, path=f"{number % 40}"), succeeded(name, f"{name} " * 800)))
    through = told.compacted_through()[-1]
    other = told.new_builder()
    await other.extend([envelope for envelope in told.log if envelope.seq > through], {})
    assert other.build(told.state) == told.builder.build(told.state)


async def test_what_people_said_outlives_what_was_done() -> None:
    told = Told(thought(action("a")), succeeded("a"), said("Always use tabs."))
    for number in range(200):
        name = f"{number}"
        await told.step((action(name, path=name), succeeded(name, f"{name} " * 800)))
    summary = (await told.shown())[0]
    assert "the person said: Always use tabs." in summary.text


async def test_a_context_that_was_too_small_is_halved() -> None:
    told = Told()
    await told.step((action("a"), succeeded("a", "x" * 6_000)))
    whole = told.builder.build(told.state)
    await told.grow(call_failed("context_exceeded"), call_failed("context_exceeded"))
    smaller = told.builder.build(told.state)
    assert smaller.max_output_tokens == CONTEXT_TOKENS // 16
    assert sum(len(m.text) for m in smaller.messages) < sum(len(m.text) for m in whole.messages)
    assert refusal(smaller.messages) is None

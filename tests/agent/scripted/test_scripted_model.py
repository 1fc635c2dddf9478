"""Which reply the demo model plays, how it streams it, and when it refuses to go on."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from steersman.adapters.scripted import NOT_HEEDED, Cassette, CassetteReply, ScriptedModel
from steersman.core.limits import Usage
from steersman.core.model import AssistantMessage, Reply, TextDelta, UserMessage
from tests.agent.scripted.playing import CASSETTE, goal, play, reply, request, turn

LISTED = turn("I list the files.", "a.txt\nb.txt")


async def test_the_first_reply_answers_the_goal() -> None:
    played = await play(request(*goal()))
    assert (played.reply.text, played.calls) == ("I list the files.", [("list_files", {})])
    assert (played.reply.model, played.reply.cut) == ("demo", False)


@pytest.mark.parametrize("typed", ["Count the files.", " count  the\nfiles! "])
async def test_the_goal_may_be_typed_a_little_differently(typed: str) -> None:
    assert (await play(request(*goal(typed)))).reply.text == "I list the files."


async def test_the_reply_after_the_newest_one_in_the_prompt_is_next() -> None:
    played = await play(request(*goal(), *LISTED))
    assert (played.reply.text, len(played.calls)) == ("I read both.", 2)


async def test_a_compaction_does_not_change_what_is_next() -> None:
    summary = UserMessage("What happened earlier in this task, shortened:\n- thought: I list")
    read = turn("I read both.", "one", "two", tool="read_file")
    assert (await play(request(*goal(), summary, *read))).reply.text == "There are two."


async def test_a_thought_that_was_cut_off_is_thought_again() -> None:
    cut = AssistantMessage("I read\n(interrupted)")
    assert (await play(request(*goal(), *LISTED, cut))).reply.text == "I read both."


@pytest.mark.parametrize(
    "outcome",
    [
        "outcome unknown: the process that ran this call died. It may have had its effect",
        "interrupted (shutdown)\n(no output)",
        "(no outcome: the call was cut off before it ended)",
        "failed (skipped): the thought was cut before this call started",
    ],
)
async def test_a_call_that_was_cut_off_is_made_again(outcome: str) -> None:
    played = await play(request(*goal(), *turn("I list the files.", outcome)))
    assert played.reply.text == "I list the files."


async def test_an_outcome_that_does_not_fit_ends_the_recording() -> None:
    failure = (await play(request(*goal(), *turn("I list the files.", "a.txt")))).failure
    assert failure.code == "rejected"
    assert "does not fit what happened. After “I list the files.”" in failure.message
    assert r"expects /^b\.txt$/ but saw: a.txt" in failure.message


async def test_only_the_newest_outcomes_count() -> None:
    read = turn("I read both.", "one", tool="read_file")
    asked = request(*goal(), *turn("I list the files.", "two"), *read)
    assert (await play(asked)).failure.code == "rejected"


async def test_a_reply_that_was_not_recorded_ends_the_recording() -> None:
    failure = (await play(request(*goal(), *turn("I guess.", "two")))).failure
    assert "It does not hold the last reply, “I guess.”" in failure.message


async def test_after_its_last_reply_the_recording_is_at_its_end() -> None:
    last = turn("There are two.", "failed (children_running): wait", tool="finish_task")
    failure = (await play(request(*goal(), *last))).failure
    assert (failure.code, "It is at its end" in failure.message) == ("rejected", True)


async def test_another_goal_needs_a_real_model() -> None:
    failure = (await play(request(*goal("count the files and delete them")))).failure
    assert failure.code == "rejected"
    assert failure.message.startswith("No model is configured")
    assert "STEERSMAN_MODEL, and STEERSMAN_MODEL_BASE_URL" in failure.message


async def test_a_tool_that_is_switched_off_is_named() -> None:
    failure = (await play(request(*goal(), tools=("read_file",)))).failure
    assert (failure.code, "It needs list_files" in failure.message) == ("rejected", True)


async def test_a_persons_message_is_not_passed_over_in_silence() -> None:
    asked = request(*goal(), *LISTED, UserMessage("Only the text files, please."))
    text = (await play(asked)).reply.text
    assert text == NOT_HEEDED + "I read both."
    following = turn(text, "one", "two", tool="read_file")
    assert (await play(request(*goal(), *following))).reply.text == "There are two."


async def test_the_text_streams_in_words_and_the_calls_come_at_the_end() -> None:
    played = await play(request(*goal()))
    assert played.deltas == ("I ", "list ", "the ", "files.")


async def test_usage_is_estimated_and_free_unless_it_was_recorded() -> None:
    estimated = (await play(request(*goal()))).reply.usage
    assert (estimated.estimated, estimated.cost_usd) == (True, 0.0)
    assert min(estimated.input_tokens, estimated.output_tokens) > 0
    recorded = Usage(input_tokens=812, output_tokens=40)
    first = CASSETTE.replies[0].model_copy(update={"usage": recorded})
    cassette = Cassette(goal=CASSETTE.goal, replies=(first,))
    assert (await play(request(*goal()), cassette=cassette)).reply.usage == recorded


async def test_a_cut_before_the_first_word_leaves_nothing() -> None:
    cut = asyncio.Event()
    cut.set()
    played = await play(request(*goal()), cut=cut)
    assert (played.deltas, played.reply.text, played.reply.calls) == ((), "", ())
    assert (played.reply.cut, played.reply.usage.estimated) == (True, True)


@pytest.mark.parametrize("words", [1, 4])
async def test_a_cut_ends_the_reply_with_what_had_streamed(words: int) -> None:
    cut = asyncio.Event()
    parts: list[object] = []
    async for part in ScriptedModel(CASSETTE, delay=timedelta(0)).stream(request(*goal()), cut):
        parts.append(part)
        if len(parts) == words:
            cut.set()
    *deltas, end = parts
    assert isinstance(end, Reply)
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == end.text
    assert (len(deltas), end.cut, end.calls) == (words, True, ())


async def test_a_cut_does_not_wait_for_the_next_word() -> None:
    cut = asyncio.Event()
    asyncio.get_running_loop().call_soon(cut.set)
    async with asyncio.timeout(5):
        played = await play(request(*goal()), cut=cut, delay=timedelta(hours=1))
    assert played.reply.cut


def test_replies_are_told_apart_by_their_texts() -> None:
    with pytest.raises(ValidationError, match="two replies have the same text"):
        Cassette(goal="x", replies=(reply("Again.", "a"), reply("Again. ", "b", expect=("y",))))


def test_a_reply_that_expects_nothing_could_lie() -> None:
    with pytest.raises(ValidationError, match="nothing that it expects"):
        Cassette(goal="x", replies=(reply("One.", "a"), reply("Two.", "b")))


def test_an_expectation_is_a_regular_expression() -> None:
    with pytest.raises(ValidationError, match="not a regular expression"):
        CassetteReply.model_validate({"text": "One.", "calls": [{"tool": "a"}], "expect": ["("]})

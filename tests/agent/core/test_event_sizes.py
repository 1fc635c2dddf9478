"""Whatever people and models write, each event stays within 64 KB and nothing of it is lost."""

import json
from typing import Any

import pytest

from steersman.core.artifacts import (
    SAID_LIMIT_BYTES,
    THOUGHT_LIMIT_BYTES,
    externalize,
    internalize,
    keep_text,
    normalized,
    references,
)
from steersman.core.compaction import compaction
from steersman.core.events import (
    Action,
    ApprovalRequested,
    ContextCompacted,
    Envelope,
    Event,
    JsonObject,
    MessageAdded,
    ThoughtRecorded,
)
from steersman.core.ids import ActionId, ApprovalId, MessageId
from steersman.core.model import ModelCall
from steersman.core.replies import (
    MAX_CALLS_PER_REPLY,
    MAX_CALLS_RECORDED,
    ReadCalls,
    read_calls,
)
from steersman.core.text import json_bytes
from steersman.core.transcript import Transcript
from steersman.core.view import task_view
from tests.agent.core.making import ME, START, TASK, action, said, state_after, submitted, thought
from tests.agent.core.playing import tools

pytestmark = pytest.mark.slow  # long texts, many cases

MOST_BYTES = 64 * 1024
HARD = ("x", '"', "\u00e9", "\u4e2d", "\N{ROCKET}", "\x01")
"""Characters that take one, two, two, three, four and, in JSON, six bytes."""


def size(event: Event) -> int:
    """Count the bytes of an event as clients get it."""
    return json_bytes(Envelope(TASK, 10**6, START, 10**6, event).to_wire())


def read(*calls: ModelCall) -> ReadCalls:
    ids = tuple(ActionId(f"{n:036}") for n in range(min(len(calls), MAX_CALLS_RECORDED)))
    return read_calls(calls, tools(), ids)


def recorded(found: ReadCalls, text: str = "") -> ThoughtRecorded:
    return thought(*found.actions, text=keep_text(text, THOUGHT_LIMIT_BYTES).text)


def outputs(found: ReadCalls) -> list[str]:
    return [failure.output for failure in found.failures]


@pytest.mark.parametrize("character", HARD)
def test_the_longest_goal_and_message_fit(character: str) -> None:
    text = character * 32_000
    kept = keep_text(text, SAID_LIMIT_BYTES)
    assert size(submitted(kept.text)) <= MOST_BYTES
    assert size(said(kept.text)) <= MOST_BYTES
    whole = kept.blobs[kept.name].decode() if kept.name else kept.text
    assert whole == text
    assert (kept.name or "") in kept.text


def test_thirty_two_thousand_letters_are_whole_in_the_log() -> None:
    kept = keep_text("x" * 32_000, SAID_LIMIT_BYTES)
    assert (kept.text, kept.name) == ("x" * 32_000, None)


@pytest.mark.parametrize("character", HARD)
@pytest.mark.parametrize("count", [1, 16, 64, 500])
def test_a_reply_with_many_calls_fits(character: str, count: int) -> None:
    arguments = json.dumps({"name": character * 8_000})
    calls = [ModelCall(character * 500, arguments) for _ in range(count)]
    found = read(*calls)
    assert size(recorded(found, character * 100_000)) <= MOST_BYTES
    assert max(size(failure) for failure in found.failures) <= MOST_BYTES
    assert len(found.actions) == len(found.failures) == min(count, MAX_CALLS_RECORDED)


@pytest.mark.parametrize("length", [100, 1_000, 8_000, 30_000])
def test_calls_that_fit_by_references_run_with_their_whole_arguments(length: int) -> None:
    names = [f"{number:04}" * (length // 4) for number in range(MAX_CALLS_PER_REPLY)]
    found = read(*(ModelCall("look", json.dumps({"name": name})) for name in names))
    assert found.failures == ()
    assert [internalize(one.arguments, found.blobs)["name"] for one in found.actions] == names
    assert size(recorded(found)) <= MOST_BYTES


def test_what_is_left_out_of_a_reply_is_told() -> None:
    found = read(*[ModelCall("look", "{}")] * 500)
    assert len(found.failures) == MAX_CALLS_RECORDED - MAX_CALLS_PER_REPLY
    assert outputs(found)[-1] == (
        "Only the first 16 calls of a reply are run. 436 more calls after this one are left out."
    )
    assert set(outputs(found)[:-1]) == {"Only the first 16 calls of a reply are run."}


@pytest.mark.parametrize(
    "monster",
    [
        {"name": "x", "more": [1] * 100_000},
        {"k" * 100_000: 1},
        {f"{n:0100}": n for n in range(1_000)},
    ],
    ids=["a long list", "a long key", "many keys"],
)
def test_arguments_that_no_reference_makes_small_are_not_run(monster: JsonObject) -> None:
    good = ModelCall("look", '{"name": "x"}')
    found = read(good, ModelCall("look", json.dumps(monster)), good)
    assert [one.arguments for one in found.actions] == [{"name": "x"}, {}, {"name": "x"}]
    assert [one.action_id for one in found.failures] == [found.actions[1].action_id]
    assert size(recorded(found)) <= MOST_BYTES
    assert size(found.failures[0]) < 4_000


def test_of_too_large_arguments_the_largest_go_first() -> None:
    small, large = {"n": [1] * 1_000}, {"n": [1] * 12_000}
    kept, blobs = externalize([small, large, small])
    assert (kept, blobs) == ((small, None, small), {})


def test_an_approval_is_remembered_however_its_strings_are_kept() -> None:
    whole = {"path": "a", "content": "x" * 5_000}
    (alone,), _ = externalize([whole])
    crowded = externalize([whole] * 16)[0][0]
    assert alone is not None
    assert crowded is not None
    assert alone != crowded
    assert normalized(alone) == normalized(crowded) == normalized(whole)
    assert normalized(whole) != normalized({**whole, "content": "y" * 5_000})


def requested(number: int, arguments: JsonObject) -> ApprovalRequested:
    return ApprovalRequested(
        approval_id=ApprovalId(f"approval-{number:027}"),
        action_id=ActionId(f"{number:036}"),
        tool="execute_terminal_command",
        arguments=arguments,
        arguments_sha256="0" * 64,
        reason="command matches " + "\u4e2d" * 1_000,
        expires_at=START,
    )


@pytest.mark.parametrize("character", HARD)
def test_a_view_with_sixteen_pending_approvals_is_at_most_16_kb(character: str) -> None:
    found = read(*[ModelCall("look", json.dumps({"name": character * 8_000}))] * 16)
    asked = [requested(number, one.arguments) for number, one in enumerate(found.actions)]
    actions = [
        Action(action_id=ActionId(f"{n:036}"), tool="look", arguments=one.arguments)
        for n, one in enumerate(found.actions)
    ]
    goal = keep_text(character * 32_000, SAID_LIMIT_BYTES).text
    state = state_after(thought(*actions), *asked, first=submitted(goal))
    assert len(state.approvals) == 16
    assert json_bytes(task_view(state)) <= 16 * 1024
    assert max(size(one) for one in asked) <= MOST_BYTES


@pytest.mark.parametrize("character", HARD)
def test_a_summary_fits(character: str) -> None:
    transcript = Transcript(100_000)
    for seq in range(1, 200):
        transcript.add(
            seq, MessageAdded(message_id=MessageId("m"), text=character * 5_000, author_id=ME)
        )
        transcript.add(seq, thought(action("a"), text=character * 1_000))
    compacted = compaction(transcript, turns_bytes=10_000, summary_bytes=24_000)
    assert isinstance(compacted, ContextCompacted)
    assert 0 < size(compacted) <= MOST_BYTES


@pytest.mark.parametrize("name", ["0" * 64, "f" * 64, "x" * 64])
def test_arguments_that_look_like_a_reference_are_what_they_are(name: str) -> None:
    literal: dict[str, Any] = {"path": "a", "content": {"artifact": name, "bytes": 64}}
    nested = {"content": [literal, {"artifact": literal, "bytes": 1}]}
    for arguments in (literal, nested, literal["content"]):
        (kept,), blobs = externalize([arguments])
        assert kept is not None
        assert internalize(kept, blobs) == arguments
        assert internalize(kept, {key: blobs[key] for key in references(kept)}) == arguments

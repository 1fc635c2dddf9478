"""Whatever happens to a task, its log keeps the promises of docs/durability.md."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from steersman.core.context import PromptBuilder
from steersman.core.events import (
    ActionFailed,
    ActionInterrupted,
    ActionStarted,
    ActionSucceeded,
    ApprovalDecided,
    CommandRefused,
    Effect,
    Envelope,
    MessageAdded,
    ModelCallFailed,
    StopRequested,
    TaskCompleted,
    TaskFailed,
    TaskPaused,
    TaskResumed,
    TaskStopped,
    ThoughtRecorded,
    parse_envelope,
)
from steersman.core.fold import apply, fold
from steersman.core.limits import Usage
from steersman.core.model import CallFailed, ModelCall, Reply
from tests.agent.core.approving import rows_of
from tests.agent.core.playing import CONTEXT_TOKENS, USAGE, refusal
from tests.agent.core.scenarios import Life, Scenario

OUTCOMES = (ActionSucceeded, ActionFailed, ActionInterrupted)
FINAL = (TaskCompleted, TaskFailed, TaskStopped)
ANSWERS = (
    MessageAdded,
    StopRequested,
    TaskPaused,
    TaskResumed,
    ApprovalDecided,
    CommandRefused,
)

DECISIONS = ["approve", "reject", "edit"]

texts = st.sampled_from(["", " ", "I look.", "Ü\N{ROCKET}\0", "half \ud83d", "long " * 300])
arguments = st.one_of(
    st.sampled_from(
        [
            "",
            "{}",
            "no json",
            "[]",
            '{"name": "x"}',
            '{"name": "ask"}',
            '{"name": 7}',
            '{"question": "Which?"}',
            '{"result": "Done."}',
            '{"path": "a"}',
            '{"path": "a", "start_line": 5}',
            '{"start_line": 99999999999999999999}',
            '{"name": "\\ud800\\u0000"}',
            json.dumps({"name": "y" * 3_000}),
            json.dumps({"name": "z" * 9_000}),
        ]
    ),
    st.text(max_size=10),
)
names = st.sampled_from(
    [
        "look",
        "read_file",
        "run",
        "write",
        "ask_user",
        "finish_task",
        "sudo",
        "",
        "a b\u00e4",
        "n" * 90,
    ]
)
calls = st.builds(ModelCall, names, arguments)
working_calls = st.builds(
    ModelCall,
    st.sampled_from(["look", "run", "write"]),
    st.sampled_from(['{"name": "x"}', '{"name": "ask"}']),
)
replies = st.builds(
    lambda text, made: Reply(text, "model-1", USAGE, tuple(made)),
    texts,
    st.one_of(st.lists(working_calls, max_size=4), st.lists(calls, max_size=20)),
)
failures = st.builds(
    CallFailed,
    st.sampled_from(["timeout", "rate_limited", "garbage", "output_limit", "context_exceeded"]),
    st.just("It did not work."),
    st.just(USAGE),
    st.sampled_from([None, 0.5, 20.0]),
)
cuts = st.sampled_from(["message", "pause", "stop", "shutdown", "crash"])
endings = st.sampled_from(
    [
        "ok",
        "ok",
        "same",
        "fail",
        "bug",
        "long",
        "message",
        "pause",
        "shutdown",
        "over",
        "crash",
        "stop",
    ]
)
fates = st.sampled_from(
    ["ok"] * 6
    + ["message", "pause", "resume", *DECISIONS, "shutdown", "crash_before", "crash_after", "stop"]
)
limits = [{}, {}, {"max_steps": 4}, {"max_tokens": 30_000}, {"max_seconds": 0.2}]
scenarios = st.builds(
    Scenario,
    replies=st.lists(st.one_of(replies, replies, replies, failures, cuts), max_size=12),
    tools=st.lists(endings, max_size=30),
    commits=st.lists(fates, max_size=40),
    idle=st.lists(
        st.sampled_from(["ok", "message", "pause", "resume", *DECISIONS * 2, "stop"]), max_size=12
    ),
    limits=st.sampled_from(limits),
)


@pytest.mark.timeout(300)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(scenario=scenarios)
def test_a_log_keeps_its_promises_whatever_happens(scenario: Scenario) -> None:
    note(repr(scenario))
    check_life(scenario)


def test_a_tool_whose_time_is_up_does_not_run_again_when_a_message_waits() -> None:
    run = Reply("I run it.", "model-1", USAGE, (ModelCall("run", "{}"),))
    check_life(Scenario([run], tools=["message_endless"], limits={"max_seconds": 0.2}))


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenario=scenarios)
def test_a_log_keeps_its_promises_in_many_more_lives(scenario: Scenario) -> None:
    note(repr(scenario))
    check_life(scenario)


def check_life(scenario: Scenario) -> None:
    life = Life(scenario)
    log = asyncio.run(life.play())
    check_order(log)
    check_actions(log, life)
    assert rows_of(log) == life.log.task(life.task_id).approvals
    check_commands(log, life)
    check_spent(log, life)
    asyncio.run(check_prefixes(log, life))


def check_order(log: Sequence[Envelope]) -> None:
    """Check I1 and I2, that times do not run backwards, and that the end is the end."""
    assert [envelope.seq for envelope in log] == list(range(1, len(log) + 1))
    for earlier, later in pairwise(log):
        assert earlier.epoch <= later.epoch
        assert earlier.at <= later.at
    assert [isinstance(envelope.event, FINAL) for envelope in log].index(True) == len(log) - 1
    assert [parse_envelope(envelope.to_wire()) for envelope in log] == list(log)


def check_actions(log: Sequence[Envelope], life: Life) -> None:
    """Check that each action has one outcome, after its thought and intent, and ran once."""
    made: list[str] = []
    begun: set[str] = set()
    ended: list[str] = []
    for envelope in log:
        match envelope.event:
            case ThoughtRecorded(actions=actions, interrupted=interrupted):
                assert not (interrupted and actions)
                assert sorted(ended) == sorted(made), "the last thought was not over"
                made += [action.action_id for action in actions]
            case ActionStarted(action_id=action_id, effect=effect):
                assert effect in (Effect.UNSAFE, Effect.IDEMPOTENT)
                assert action_id not in begun
                begun.add(action_id)
            case ActionSucceeded() | ActionFailed() | ActionInterrupted() as outcome:
                ended.append(outcome.action_id)
            case _:
                pass
    assert sorted(ended) == sorted(made)
    assert begun <= set(made)
    assert set(life.ran) <= begun
    assert not life.ran or max(life.ran.values()) == 1


def check_commands(log: Sequence[Envelope], life: Life) -> None:
    """Check I10: each command that was taken is answered once."""
    answered = Counter(e.command_id for e in log if isinstance(e.event, ANSWERS) and e.command_id)
    taken = [command_id for command_id, _, _ in life.log.task(life.task_id).inbox]
    assert answered == Counter(taken)


def check_spent(log: Sequence[Envelope], life: Life) -> None:
    """Check I6 and I13: the state is the fold of the log, and spent its sum."""
    state = fold(log)
    assert state == life.folded
    usages: list[Usage] = [
        envelope.event.usage
        for envelope in log
        if isinstance(envelope.event, ThoughtRecorded | ModelCallFailed)
    ]
    thoughts = [e.event for e in log if isinstance(e.event, ThoughtRecorded)]
    assert state.spent.input_tokens == sum(usage.input_tokens for usage in usages)
    assert state.spent.output_tokens == sum(usage.output_tokens for usage in usages)
    assert state.spent.cost_usd == pytest.approx(sum(usage.cost_usd for usage in usages))
    whole = [thought.step for thought in thoughts if not thought.interrupted]
    assert whole == list(range(1, state.spent.steps + 1))
    assert len(state.model_dump_json()) < 100_000


async def check_prefixes(log: Sequence[Envelope], life: Life) -> None:
    """Check I16: whatever part of the log is there, a strict provider takes its prompt."""
    runtime = life.stage.runtime(life.reader())
    state = fold(log[:1])
    builder = PromptBuilder(runtime, state, context_tokens=CONTEXT_TOKENS)
    for envelope in log[1:]:
        state = apply(state, envelope)
        await builder.extend([envelope], {})
        assert refusal(builder.build(state).messages) is None

"""Which calls ask for an approval, and what decisions on them mean."""

from datetime import timedelta

import pytest

from steersman.core.act import make_ready
from steersman.core.approvals import (
    ApprovalPolicy,
    RiskRule,
    arguments_sha256,
    reason_to_ask,
    sameness,
)
from steersman.core.approving import approval_rows, expired
from steersman.core.commands import DecideApproval
from steersman.core.decide import HandBack, answer, next_move
from steersman.core.events import (
    ActionFailed,
    ApprovalRequested,
    CommandRefused,
    Effect,
    Envelope,
    JsonObject,
)
from steersman.core.ids import ActionId, ApprovalId
from steersman.core.state import Blocker, TaskState
from tests.agent.core.making import (
    START,
    TASK,
    action,
    after,
    entry,
    kinds,
    message,
    open_action,
    state_after,
    thought,
)
from tests.agent.core.playing import tools

ALWAYS, NEVER, ON_CHANGE = ApprovalPolicy.ALWAYS, ApprovalPolicy.NEVER, ApprovalPolicy.ON_CHANGE
PUSH: JsonObject = {"command": "git push"}
EXPIRES = START + timedelta(minutes=30)


def asks(effect: Effect = Effect.UNSAFE, **sources: dict[str, ApprovalPolicy]) -> bool:
    rules = (RiskRule(tool="run", argument="command", matches="push", then=ALWAYS),)
    reason = reason_to_ask(
        ("run", PUSH),
        effect,
        overrides=sources.get("overrides", {}),
        rules=rules if "rules" in sources else (),
        policies=sources.get("policies", {}),
    )
    return reason is not None


def requested(name: str) -> ApprovalRequested:
    return ApprovalRequested(
        approval_id=ApprovalId(f"approval-{name}"),
        action_id=ActionId(name),
        tool="run",
        arguments=PUSH,
        arguments_sha256=arguments_sha256(PUSH),
        reason="always",
        expires_at=EXPIRES,
    )


def waiting() -> TaskState:
    actions = (action("a", "run", **PUSH), action("b", "run", **PUSH))
    return state_after(thought(*actions), requested("a"), requested("b"))


def wish(name: str, **fields: object) -> DecideApproval:
    given = {"decision": "approve", "arguments_sha256": arguments_sha256(PUSH), **fields}
    return DecideApproval.model_validate({"approval_id": f"approval-{name}", **given})


def test_nothing_asks_unless_somebody_says_so() -> None:
    assert not asks()
    assert asks(policies={"run": ALWAYS})
    assert asks(policies={"*": ALWAYS})
    assert not asks(policies={"*": ALWAYS, "run": NEVER})


def test_the_deployment_wins_over_rules_and_rules_over_policies() -> None:
    assert asks(rules={}, policies={"run": NEVER})
    assert not asks(overrides={"run": NEVER}, rules={}, policies={"run": ALWAYS})
    assert asks(overrides={"*": ALWAYS}, policies={"run": NEVER})


@pytest.mark.parametrize("effect", Effect)
def test_on_change_asks_for_what_changes_something_outside_of_the_log(effect: Effect) -> None:
    changing = effect not in (Effect.PURE, Effect.TRANSACTIONAL)
    assert asks(effect, policies={"run": ON_CHANGE}) is changing


def test_a_hash_is_of_the_json_with_sorted_keys_and_no_spaces() -> None:
    assert arguments_sha256({"b": 1, "a": "\u00fc"}) == arguments_sha256({"a": "\u00fc", "b": 1})
    assert arguments_sha256({"a": 1}) != arguments_sha256({"a": 2})


def test_a_remembered_approval_covers_the_named_arguments_or_all() -> None:
    one, two = {"path": "a", "content": "x"}, {"path": "a", "content": "y"}
    assert sameness(one, ("path",)) == sameness(two, ("path",))
    assert sameness(one, ()) != sameness(two, ())


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("deploy/x", True),
        ("./deploy/x", True),
        (".//deploy/x", True),
        ("././/deploy//./x", True),
        (".github/workflows/a.yml", True),
        ("./.github/a", True),
        ("src/deploy/x", False),
        ("deployed/x", False),
        ("/deploy/x", False),
    ],
)
def test_a_rule_is_about_a_file_however_its_path_is_spelt(path: str, asked: bool) -> None:
    rule = RiskRule(
        tool="write_file", argument="path", matches=r"^(deploy/|\.github/)", then=ALWAYS
    )
    call: JsonObject = {"path": path, "content": "./deploy/x"}
    reason = reason_to_ask(
        ("write_file", call), Effect.IDEMPOTENT, overrides={}, rules=(rule,), policies={}
    )
    assert (reason is not None) is asked
    told = RiskRule(tool="write_file", argument="content", matches=r"^\./deploy", then=ALWAYS)
    assert told.fits("write_file", call)


def test_a_remembered_approval_covers_a_file_however_its_path_is_spelt() -> None:
    plain = sameness({"path": "a/b"}, ("path",))
    assert {sameness({"path": path}, ("path",)) for path in ("./a/b", "a//b", "a/./b")} == {plain}
    assert sameness({"path": "/a/b"}, ("path",)) != plain
    assert sameness({"path": "./a"}, ()) == sameness({"path": "a"}, ())


def test_approvals_are_decided_in_any_order_and_the_actions_keep_theirs() -> None:
    state = waiting()
    assert (state.blockers, next_move(state)) == ((Blocker.APPROVAL,), HandBack(EXPIRES))
    state = after(state, answer(state, entry(wish("b"))))
    assert next_move(state) == HandBack(EXPIRES)
    state = after(state, answer(state, entry(wish("a"), 2)))
    assert [one.action.action_id for one in state.open_actions] == ["a", "b"]
    assert state.blockers == ()


def test_a_refused_call_fails_and_its_sibling_waits_on() -> None:
    events = answer(waiting(), entry(wish("a", decision="reject", reason="No.")))
    assert kinds(events) == ["approval_decided", "action_failed rejected"]
    assert [one.action_id for one in after(waiting(), events).approvals] == ["b"]


def test_edited_arguments_take_the_place_of_the_models_own() -> None:
    edited: JsonObject = {"command": "git push --dry-run"}
    made = wish("a", arguments=edited, arguments_sha256=arguments_sha256(edited))
    state = after(waiting(), answer(waiting(), entry(made)))
    first = state.open_actions[0]
    assert (first.action.arguments, first.approved_sha256) == (edited, arguments_sha256(edited))


def test_a_decision_that_comes_too_late_or_on_something_else_is_refused() -> None:
    assert answer(waiting(), entry(wish("c"))) == (CommandRefused(code="approval_decided"),)
    other = wish("a", arguments_sha256="0" * 64)
    assert answer(waiting(), entry(other)) == (CommandRefused(code="approval_changed"),)


def test_an_expiry_denies_at_its_time_and_not_before() -> None:
    assert expired(waiting(), EXPIRES - timedelta(milliseconds=1)) == ()
    assert kinds(expired(waiting(), EXPIRES)) == ["approval_decided", "action_failed rejected"] * 2


def test_a_message_withdraws_what_was_asked_for() -> None:
    state = waiting()
    events = answer(state, message("Wait."))
    assert after(state, events).approvals == ()
    envelopes = [Envelope(TASK, 9, START, 1, event) for event in events]
    assert {row.state for row in approval_rows(state, envelopes)} == {"withdrawn"}


def test_what_runs_is_what_was_approved_or_nothing() -> None:
    known = tools()
    made = action("a", "run").model_copy(update={"arguments": {"name": "x"}})
    for approved, runs in ((PUSH, False), ({"name": "x"}, True)):
        one = open_action(made, approved_sha256=arguments_sha256(approved))
        found = make_ready(one, known, {})
        refusal = found.error if isinstance(found, ActionFailed) else None
        assert refusal == (None if runs else "rejected")

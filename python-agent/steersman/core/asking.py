"""The approvals that a thought needs: requested in the commit that records it."""

from dataclasses import replace

from steersman.core.approvals import Remembered, arguments_sha256, reason_to_ask, sameness
from steersman.core.artifacts import internalize
from steersman.core.clock import new_id
from steersman.core.events import (
    Action,
    ActionFailed,
    ApprovalDecided,
    ApprovalRequested,
    Event,
    ThoughtRecorded,
)
from steersman.core.ids import ApprovalId
from steersman.core.runtime import Runtime
from steersman.core.state import TaskState
from steersman.core.think import Thought


async def with_approvals(runtime: Runtime, state: TaskState, thought: Thought) -> Thought:
    """Add a request for each action that asks, and the decision where one is remembered."""
    failed = {event.action_id for event in thought.events if isinstance(event, ActionFailed)}
    requests = [
        request
        for event in thought.events
        if isinstance(event, ThoughtRecorded)
        for action in event.actions
        if action.action_id not in failed
        and (request := _request(runtime, state, action, thought)) is not None
    ]
    if not requests:
        return thought
    remembered = await runtime.recording.journal.remembered(state.task_id)
    asked: list[Event] = []
    # Ids of one millisecond have no order of their own; people are shown the calls in theirs.
    ids = sorted(request.approval_id for request in requests)
    for request, approval_id in zip(requests, ids, strict=True):
        numbered = request.model_copy(update={"approval_id": approval_id})
        asked += (numbered, *_remembered_decision(runtime, numbered, remembered))
    return replace(thought, events=(*thought.events, *asked))


def _request(
    runtime: Runtime, state: TaskState, action: Action, thought: Thought
) -> ApprovalRequested | None:
    role, whole = runtime.team.roles[state.role], internalize(action.arguments, thought.blobs)
    reason = reason_to_ask(
        (action.tool, whole),
        runtime.tools[action.tool].effect,
        overrides=runtime.policy.approvals,
        rules=role.approval_rules,
        policies=role.approvals,
    )
    if reason is None:
        return None
    clock = runtime.recording.clock
    return ApprovalRequested(
        approval_id=ApprovalId(new_id(clock)),
        action_id=action.action_id,
        tool=action.tool,
        arguments=action.arguments,
        arguments_sha256=arguments_sha256(whole),
        reason=reason,
        expires_at=clock.now() + runtime.policy.approval_ttl,
    )


def _remembered_decision(
    runtime: Runtime, request: ApprovalRequested, remembered: Remembered
) -> tuple[ApprovalDecided, ...]:
    what = sameness(request.arguments, runtime.tools[request.tool].same_by)
    decided_by = remembered.get((request.tool, what))
    if decided_by is None:
        return ()
    return (
        ApprovalDecided(
            approval_id=request.approval_id,
            action_id=request.action_id,
            decision="approved",
            decided_by=decided_by,
            reason="remembered",
            arguments_sha256=request.arguments_sha256,
        ),
    )

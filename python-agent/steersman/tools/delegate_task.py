"""`delegate_task`: another role does a part of the work, as a task of its own."""

import json
from typing import Literal

from pydantic import Field

from steersman.core.budget import child_limits
from steersman.core.delegation import NewChild
from steersman.core.events import Action, ChildDelegated, Envelope, TaskSubmitted
from steersman.core.fold import fold
from steersman.core.outcomes import done
from steersman.core.text import clean
from steersman.core.tool import (
    Arguments,
    DecideContext,
    Decided,
    ToolFailure,
    TransactionalTool,
)
from steersman.core.view import task_view


class DelegateTask(Arguments):
    """Who is to do what."""

    role: str = Field(max_length=64, description="The role that does it.")
    goal: str = Field(
        min_length=1,
        max_length=8_000,
        description=(
            "What is to be true in the end, with everything that the other needs to know: it sees "
            "nothing of this conversation."
        ),
    )
    workspace: Literal["shared"] = Field(
        default="shared", description="shared: it works on the same files, one task at a time."
    )
    limits: dict[str, float] = Field(
        default_factory=dict,
        description=(
            "Optional: max_steps, max_tokens, max_cost_usd, max_seconds, out of what you have left."
        ),
    )


def _decide(arguments: DelegateTask, action: Action, context: DecideContext) -> Decided:
    role = context.team.roles.get(arguments.role)
    if role is None:
        known = ", ".join(sorted(context.team.roles))
        raise ToolFailure("unknown_role", f"There is no such role. The roles are: {known}.")
    delegated = ChildDelegated(
        action_id=action.action_id,
        child_id=context.new_id,
        role=arguments.role,
        goal=clean(arguments.goal),
        workspace=arguments.workspace,
        limits=child_limits(context.state, role.limits, arguments.limits),
    )
    answer = json.dumps({"task_id": context.new_id})
    return Decided((delegated, done(action, answer)), children=(_child(delegated, context),))


def _child(delegated: ChildDelegated, context: DecideContext) -> NewChild:
    state = context.state
    submitted = TaskSubmitted(
        goal=delegated.goal,
        role=delegated.role,
        conversation_id=state.conversation_id,
        parent_id=state.task_id,
        root_id=state.root_id,
        owner_id=state.owner_id,
        workspace=state.workspace,
        limits=delegated.limits,
        team_version=context.team.version,
    )
    first = Envelope(delegated.child_id, seq=1, at=context.now, epoch=0, event=submitted)
    return NewChild(first, task_view(fold([first])))


TOOL = TransactionalTool(
    name="delegate_task",
    description=(
        "Give a part of the work to another role. It begins at once and runs beside you; several "
        "calls in one reply run beside each other. Answers {task_id}. Its end is reported to you."
    ),
    arguments=DelegateTask,
    decide=_decide,
)

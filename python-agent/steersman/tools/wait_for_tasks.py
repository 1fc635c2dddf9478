"""`wait_for_tasks`: nothing more until delegated tasks have ended; meanwhile no worker is held."""

from typing import Literal

from pydantic import Field

from steersman.core.children import own_child
from steersman.core.events import Action, WaitStarted
from steersman.core.tool import Arguments, DecideContext, Decided, TransactionalTool


class WaitForTasks(Arguments):
    """Which tasks to wait for."""

    task_ids: list[str] = Field(
        min_length=1, max_length=100, description="Ids that delegate_task has answered."
    )
    until: Literal["all", "any"] = Field(
        default="all", description="all: until each has ended; any: until one has."
    )


def _decide(arguments: WaitForTasks, action: Action, context: DecideContext) -> Decided:
    children = [own_child(context.state, task_id) for task_id in arguments.task_ids]
    started = WaitStarted(
        action_id=action.action_id,
        child_ids=tuple(dict.fromkeys(child.task_id for child in children)),
        until=arguments.until,
    )
    return Decided((started,))


TOOL = TransactionalTool(
    name="wait_for_tasks",
    description=(
        "Wait for tasks that you have delegated. What each of them reports comes with their end. "
        "Waiting costs nothing. Calls after it are not run."
    ),
    arguments=WaitForTasks,
    decide=_decide,
    ends_reply=True,
)

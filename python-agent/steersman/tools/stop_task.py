"""`stop_task`: end a delegated task, and all that it has delegated itself."""

from pydantic import Field

from steersman.core.children import living_child
from steersman.core.commands import StopTask as Stop
from steersman.core.delegation import ChildPost
from steersman.core.events import Action
from steersman.core.ids import CommandId
from steersman.core.outcomes import done
from steersman.core.text import clean
from steersman.core.tool import Arguments, DecideContext, Decided, TransactionalTool


class StopTask(Arguments):
    """Which task to end, and why."""

    task_id: str = Field(description="The task, as delegate_task has answered.")
    reason: str = Field(default="", max_length=2_000, description="Why, for its log.")


def _decide(arguments: StopTask, action: Action, context: DecideContext) -> Decided:
    child_id = living_child(context.state, arguments.task_id)
    stop = Stop(reason=clean(arguments.reason) or None)
    post = ChildPost(child_id, CommandId(action.action_id), stop)
    return Decided((done(action, "It is being stopped; its end will be reported."),), posts=(post,))


TOOL = TransactionalTool(
    name="stop_task",
    description="Stop a task that you have delegated. What it has done stays.",
    arguments=StopTask,
    decide=_decide,
)

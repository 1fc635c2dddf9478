"""`finish_task`: the goal is met."""

from pydantic import Field

from steersman.core.events import Action, TaskCompleted
from steersman.core.outcomes import done
from steersman.core.text import clean
from steersman.core.tool import (
    Arguments,
    DecideContext,
    Decided,
    ToolFailure,
    TransactionalTool,
)


class FinishTask(Arguments):
    """What came of it."""

    result: str = Field(
        min_length=1,
        max_length=8_000,
        description="Whether the goal is met, what was done, how it was verified, what is left.",
    )


def _decide(arguments: FinishTask, action: Action, context: DecideContext) -> Decided:
    if live := context.state.live_children:
        names = ", ".join(child.task_id for child in live)
        raise ToolFailure(
            "children_running",
            f"Wait for the tasks that you have delegated, or stop them: {names}.",
        )
    return Decided((done(action), TaskCompleted(result=clean(arguments.result))))


TOOL = TransactionalTool(
    name="finish_task",
    description=(
        "End the task with its result, once the goal is met and you have seen it verified, or once "
        "you are sure that it cannot be met. Calls after it are not run."
    ),
    arguments=FinishTask,
    decide=_decide,
    ends_reply=True,
)

"""`finish_task`: the goal is met."""

from pydantic import Field

from steersman.core.events import Action, ActionSucceeded, Event, TaskCompleted
from steersman.core.text import clean
from steersman.core.tool import Arguments, TransactionalTool


class FinishTask(Arguments):
    """What came of it."""

    result: str = Field(
        min_length=1,
        max_length=8_000,
        description="Whether the goal is met, what was done, how it was verified, what is left.",
    )


def _decide(arguments: FinishTask, action: Action) -> tuple[Event, ...]:
    result = clean(arguments.result)
    done = ActionSucceeded(
        action_id=action.action_id,
        tool=action.tool,
        output="",
        output_bytes=0,
    )
    return (done, TaskCompleted(result=result))


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

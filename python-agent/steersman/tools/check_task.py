"""`check_task`: how a delegated task stands, without waiting for it."""

import json

from pydantic import Field

from steersman.core.events import Effect
from steersman.core.ids import TaskId
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolFailure, ToolOutput

_SHOWN = ("task_id", "role", "state", "waiting_for", "step", "question", "result", "error", "plan")


class CheckTask(Arguments):
    """Which task to look at."""

    task_id: str = Field(description="The task, as delegate_task has answered.")


async def _run(arguments: CheckTask, context: ToolContext) -> ToolOutput:
    view = await context.children.view(TaskId(arguments.task_id))
    if view is None:
        message = f"{arguments.task_id} is no task that you have delegated."
        raise ToolFailure("not_your_child", message)
    shown = {name: view[name] for name in (*_SHOWN, "spent", "updated_at")}
    return ToolOutput(json.dumps(shown, ensure_ascii=False, indent=1))


TOOL = RunningTool(
    name="check_task",
    description="See how a task that you have delegated stands: state, step, question, spending.",
    arguments=CheckTask,
    effect=Effect.PURE,
    run=_run,
)

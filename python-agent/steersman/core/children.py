"""Which of a task's children a call of the model means."""

from steersman.core.ids import TaskId
from steersman.core.state import Child, TaskState
from steersman.core.tool import ToolFailure


def own_child(state: TaskState, task_id: str) -> Child:
    """Find a child by its id. Raises ToolFailure `not_your_child`."""
    for child in state.children:
        if child.task_id == task_id:
            return child
    known = ", ".join(child.task_id for child in state.children) or "none yet"
    message = f"{task_id} is no task that you have delegated. Yours are: {known}."
    raise ToolFailure("not_your_child", message)


def living_child(state: TaskState, task_id: str) -> TaskId:
    """Find a child that has not ended. Raises ToolFailure `not_your_child` or `task_ended`."""
    child = own_child(state, task_id)
    if not child.is_live:
        raise ToolFailure("task_ended", f"{task_id} has ended already: {child.state}.")
    return child.task_id

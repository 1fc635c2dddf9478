"""The part of the fold that is about the tasks that a task has delegated."""

from steersman.core import events as ev
from steersman.core.state import Child, TaskState, Wait
from steersman.core.text import shorten

GOAL_CHARACTERS = 120
"""As much of a child's goal as its parent's state holds; the log and the child have all of it."""


def team_changes(
    state: TaskState, event: ev.ChildDelegated | ev.WaitStarted | ev.ChildFinished
) -> dict[str, object]:
    """Return the fields that one of these events changes."""
    match event:
        case ev.ChildDelegated():
            child = Child(
                task_id=event.child_id,
                role=event.role,
                goal=shorten(event.goal, GOAL_CHARACTERS),
                limits=event.limits,
            )
            return {"children": (*state.children, child)}
        case ev.WaitStarted():
            wait = Wait(action_id=event.action_id, child_ids=event.child_ids, until=event.until)
            return {"wait": wait}
        case ev.ChildFinished():
            return {
                "children": tuple(
                    child.model_copy(update={"state": event.state})
                    if child.task_id == event.child_id
                    else child
                    for child in state.children
                ),
                "spent": state.spent.plus_child(event.spent),
                "texts_without_call": 0,
            }

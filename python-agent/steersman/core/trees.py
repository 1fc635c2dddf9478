"""A tree of tasks, put together from the views of its members."""

from collections.abc import Iterable

from steersman.core.events import JsonObject


def nested(views: Iterable[JsonObject]) -> JsonObject:
    """Return {task, children} of the first view, each child in the same form.

    A parent stands before its children.
    """
    nodes: dict[str, JsonObject] = {}
    for view in views:
        node = nodes[view["task_id"]] = {"task": view, "children": []}
        if parent := nodes.get(view["parent_id"] or ""):
            parent["children"].append(node)
    return next(iter(nodes.values()))

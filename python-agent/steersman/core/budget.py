"""One budget for a tree: what a task gives to a child is out of what it has left itself."""

from collections.abc import Mapping
from typing import Any

from steersman.core.errors import Invalid
from steersman.core.limits import Limits, tokens, wished_limits
from steersman.core.state import TaskState
from steersman.core.tool import ToolFailure

_SHARE = 4
"""A child that is given no limits gets one part in so many of what is left.

So after eight of them a tenth is left, and the eighth has an eighth of what the first one had.
"""

_COUNTED = ("max_steps", "max_tokens", "max_cost_usd", "max_seconds")


def left(state: TaskState) -> Mapping[str, float | None]:
    """Return how much a task may still spend or give away, by limit; None where there is none.

    What living children have been given is not left.
    """
    limits, used = state.limits, state.spent.plus_child(state.reserved)
    spent = (used.steps, tokens(used), used.cost_usd, used.seconds)
    whole = (limits.max_steps, limits.max_tokens, limits.max_cost_usd, limits.max_seconds)
    return {
        name: None if most is None else max(most - gone, 0)
        for name, most, gone in zip(_COUNTED, whole, spent, strict=True)
    }


def over_budget(state: TaskState, more_tokens: int) -> bool:
    """Say whether so many more tokens than were used, or given away, would be too many."""
    rest = left(state)["max_tokens"]
    return rest is not None and more_tokens > rest


def child_limits(state: TaskState, role: Limits, wished: Mapping[str, Any]) -> Limits:
    """Give a child what it asks for, or a part of what is left but not more than its role has.

    Raises ToolFailure `limit_exceeded` for more than is left, `invalid_arguments` for what is no
    limit.
    """
    if len(state.children) >= state.limits.max_children:
        most = state.limits.max_children
        raise ToolFailure("limit_exceeded", f"This task may delegate {most} tasks, and has.")
    if state.limits.max_depth < 1:
        raise ToolFailure("limit_exceeded", "The tree is as deep as it may be. Do it yourself.")
    rest = left(state)
    given = {name: _part(role, name, rest[name]) for name in _COUNTED}
    if empty := [name for name, part in given.items() if part == 0 and name not in wished]:
        raise ToolFailure("limit_exceeded", f"Nothing is left to give: {', '.join(empty)}.")
    depth = min(role.max_depth, state.limits.max_depth - 1)
    try:
        limits = wished_limits(role.model_copy(update={"max_depth": depth}), {**given, **wished})
    except Invalid as error:
        raise ToolFailure("invalid_arguments", str(error)) from None
    _require_left(limits, rest)
    if limits.max_depth > depth:
        raise ToolFailure(
            "limit_exceeded", f"max_depth: below this task {depth} levels may follow."
        )
    return limits


def _part(role: Limits, name: str, rest: float | None) -> float | None:
    own: float | None = getattr(role, name)
    if rest is None:
        return own
    part = rest // _SHARE if name in ("max_steps", "max_tokens") else rest / _SHARE
    return part if own is None else min(own, part)


def _require_left(limits: Limits, rest: Mapping[str, float | None]) -> None:
    for name in _COUNTED:
        wanted: float | None = getattr(limits, name)
        there = rest[name]
        if there is not None and (wanted is None or wanted > there):
            text = "no limit" if wanted is None else f"{wanted:g}"
            raise ToolFailure("limit_exceeded", f"{name}: {text} is more than the {there:g} left.")

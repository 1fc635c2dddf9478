"""`update_plan`: what the agent means to do, for people to see it change."""

from typing import Literal

from pydantic import Field

from steersman.core.events import Action, PlanItem, PlanUpdated
from steersman.core.outcomes import done
from steersman.core.text import clean
from steersman.core.tool import Arguments, DecideContext, Decided, TransactionalTool

_MOST_ITEMS = 20


class Item(Arguments):
    """One line of the plan."""

    text: str = Field(min_length=1, max_length=300)
    state: Literal["pending", "in_progress", "done", "dropped"] = "pending"


class UpdatePlan(Arguments):
    """The whole plan."""

    items: list[Item] = Field(
        min_length=1,
        max_length=_MOST_ITEMS,
        description="All items in their order, each with its text and state. It replaces the plan.",
    )


def _decide(arguments: UpdatePlan, action: Action, _context: DecideContext) -> Decided:
    items = tuple(PlanItem(text=clean(one.text), state=one.state) for one in arguments.items)
    return Decided((PlanUpdated(items=items), done(action)))


TOOL = TransactionalTool(
    name="update_plan",
    description=(
        "Write down the steps by which you will reach the goal, and keep their states true: "
        "people follow the plan. Send all items each time."
    ),
    arguments=UpdatePlan,
    decide=_decide,
)

"""`place_order`: the only keyed tool so far. Its key is the action's id, whoever makes the call."""

import os

import httpx
from pydantic import Field

from steersman.core.events import Effect
from steersman.core.tool import Arguments, RunningTool, ToolContext, ToolFailure, ToolOutput
from tests.chaos.orders import SHOP_VARIABLE


class PlaceOrder(Arguments):
    """What to order."""

    item: str = Field(max_length=100, description="What it is called.")


async def _run(arguments: PlaceOrder, context: ToolContext) -> ToolOutput:
    body = {"task_id": context.task_id, "item": arguments.item}
    headers = {"Idempotency-Key": context.action_id}
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(3):
            try:
                await http.post(os.environ[SHOP_VARIABLE], json=body, headers=headers)
            except httpx.HTTPError:
                continue
            return ToolOutput("It is ordered.")
    raise ToolFailure("not_found", "The shop does not answer.")


TOOL = RunningTool(
    name="place_order",
    description="Order something.",
    arguments=PlaceOrder,
    effect=Effect.KEYED,
    run=_run,
)

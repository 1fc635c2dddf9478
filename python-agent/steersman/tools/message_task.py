"""`message_task`: say something to a delegated task while it works, or answer its question."""

from pydantic import Field

from steersman.core.children import living_child
from steersman.core.commands import AddMessage
from steersman.core.delegation import ChildPost
from steersman.core.events import Action
from steersman.core.ids import CommandId
from steersman.core.outcomes import done
from steersman.core.text import clean
from steersman.core.tool import Arguments, DecideContext, Decided, TransactionalTool


class MessageTask(Arguments):
    """What to say to whom."""

    task_id: str = Field(description="The task, as delegate_task has answered.")
    text: str = Field(min_length=1, max_length=8_000, description="What it should know or change.")


def _decide(arguments: MessageTask, action: Action, context: DecideContext) -> Decided:
    child_id = living_child(context.state, arguments.task_id)
    message = AddMessage(text=clean(arguments.text))
    post = ChildPost(child_id, CommandId(action.action_id), message)
    return Decided((done(action, "It will see this before its next step."),), posts=(post,))


TOOL = TransactionalTool(
    name="message_task",
    description="Say something to a task that you have delegated: it steers its next step.",
    arguments=MessageTask,
    decide=_decide,
)

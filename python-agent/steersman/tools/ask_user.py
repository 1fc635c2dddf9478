"""`ask_user`: a question to a person; the task waits for the answer."""

from pydantic import Field

from steersman.core.events import Action, QuestionAsked
from steersman.core.tool import Arguments, DecideContext, Decided, TransactionalTool


class AskUser(Arguments):
    """What to ask."""

    question: str = Field(
        min_length=1,
        max_length=8_000,
        description="One question, with what a person must know to answer it.",
    )


def _decide(arguments: AskUser, action: Action, _context: DecideContext) -> Decided:
    return Decided((QuestionAsked(action_id=action.action_id, question=arguments.question),))


TOOL = TransactionalTool(
    name="ask_user",
    description=(
        "Ask a person and wait for the answer, however long it takes. Only for what you cannot "
        "find out and must not decide yourself. Calls after it are not run."
    ),
    arguments=AskUser,
    decide=_decide,
    ends_reply=True,
)

"""Errors that end what was asked for. What a model or tool can cause inside a task is an event.

SteersmanError                 code = snake_case of the class, the docstring is the message
├── RequestError               the caller's fault; `status` is the HTTP status
│   ├── Malformed        400   ├── TaskNotFound      404   ├── NotFound       404
│   ├── Unauthorized     401   ├── CommandConflict   409   ├── TaskEnded      409
│   ├── ConversationBusy 409   ├── CursorAhead       409   ├── WorkspaceBusy  409
│   ├── ApprovalNotFound 404   ├── ApprovalDecided   409   ├── ApprovalChanged 409
│   ├── TooLarge         413   ├── TaskRunning       409   └── Invalid        422
├── Unavailable          503   a part that we need does not answer; worth trying again
│   └── StoreUnavailable
├── ConfigurationError         a setting, `roles.toml` or a template is wrong; nothing was started
├── LeaseLost                  the worker no longer owns the task; what it did is not recorded
│   └── FenceAhead             or so it seems: the workspace's files know of a later holder
├── LogUnreadable              a later version wrote it; this one must leave the task alone
├── WorkspaceLost              the directory of a task cannot be opened here
├── WorkspaceTaken             another task of the same tree is working in it; its turn ends
└── InboxMoved                 a command arrived before the commit; decide again
"""

import re
from typing import ClassVar


class SteersmanError(Exception):
    """Something went wrong in Steersman."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())

    @classmethod
    def code(cls) -> str:
        """Return the stable code: the class name in snake_case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


class RequestError(SteersmanError):
    """The request cannot be done."""

    status: ClassVar[int] = 400


class Malformed(RequestError):
    """The body is not what this route reads."""


class Unauthorized(RequestError):
    """Send the token as `Authorization: Bearer …`."""

    status = 401


class NotFound(RequestError):
    """There is nothing here by that name."""

    status = 404


class TaskNotFound(NotFound):
    """There is no such task, or it is not yours."""


class ApprovalNotFound(NotFound):
    """There is no such approval, or it is not yours."""


class ApprovalDecided(RequestError):
    """The approval was decided before, expired, or is no longer needed. Read it to see."""

    status = 409


class ApprovalChanged(RequestError):
    """These are not the arguments that were shown. Read the approval and decide again."""

    status = 409


class CommandConflict(RequestError):
    """This command id was used for another request. Use a fresh id."""

    status = 409


class TaskEnded(RequestError):
    """The task has ended. Submit a new one in the same conversation."""

    status = 409


class TaskRunning(RequestError):
    """The task, or one that it gave to others, has not ended. Stop it first."""

    status = 409


class ConversationBusy(RequestError):
    """The conversation has a running task. Wait, stop it, or send `on_busy`."""

    status = 409


class CursorAhead(RequestError):
    """The cursor is past the end of the log. Read the task and start from its seq."""

    status = 409


class WorkspaceBusy(RequestError):
    """A task is working in this workspace. Wait for it or stop it."""

    status = 409


class TooLarge(RequestError):
    """The request is larger than what is accepted."""

    status = 413


class Invalid(RequestError):
    """A value of the request is not acceptable."""

    status = 422


class Unavailable(SteersmanError):
    """A part that is needed does not answer. Try again shortly."""


class StoreUnavailable(Unavailable):
    """The database does not answer. Try again shortly."""


class ConfigurationError(SteersmanError):
    """A setting is wrong."""


class LeaseLost(SteersmanError):
    """The task belongs to another worker now."""


class FenceAhead(LeaseLost):
    """The workspace has seen a later holder than this one, if the database does not lag behind."""

    def __init__(self, fence: int) -> None:
        super().__init__()
        self.fence = fence


class LogUnreadable(SteersmanError):
    """The log holds what only a later version of Steersman understands."""


class WorkspaceTaken(SteersmanError):
    """A task that was delegated is working in the workspace; it is our turn again later."""


class WorkspaceLost(SteersmanError):
    """The task's workspace cannot be opened."""


class InboxMoved(SteersmanError):
    """A command arrived that this decision has not seen."""

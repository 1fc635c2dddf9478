"""The messages of docs/bridge.md. What comes in may have fields that we do not know."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from steersman.core.errors import RequestError, SteersmanError, Unavailable
from steersman.core.events import JsonObject


class BridgeMessage(BaseModel):
    """Something that one side sends."""

    # Errors are logged, and what comes in has people's tokens in it.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class AgentHello(BridgeMessage):
    """`Register`: the first thing that an agent says."""

    worker_id: str
    version: str
    contract_version: int
    roles: tuple[str, ...]
    capacity: int
    url: str | None = None


class HubWelcome(BridgeMessage):
    """The answer to it."""

    connection_id: str
    max_batch_bytes: int = Field(default=64 * 1024, ge=1024)
    heartbeat_seconds: float = Field(default=5, gt=0)


class AgentPulse(BridgeMessage):
    """`Heartbeat`."""

    agent_status: str
    capacity: int
    active_tasks: tuple[str, ...]


class WatchRequest(BridgeMessage):
    """`Watch`: the events of a task past `after`, and what follows."""

    subscription_id: str = Field(min_length=1, max_length=200)
    task_id: str
    after: int = Field(default=0, ge=0, le=2**53)
    token: SecretStr


class WatchOwnerRequest(BridgeMessage):
    """`WatchOwner`: the views of all tasks of the token's owner, then each that changes."""

    subscription_id: str = Field(min_length=1, max_length=200)
    token: SecretStr


class UnwatchRequest(BridgeMessage):
    """`Unwatch`."""

    subscription_id: str


class ExecuteRequest(BridgeMessage):
    """`Execute`: a command as a WebSocket client sends it."""

    command: JsonObject
    token: SecretStr


class PushAck(BridgeMessage):
    """What the hub says of one subscription of a push."""

    subscription_id: str
    acked_seq: int = 0
    stop: bool = False


class WatchAnswer(BridgeMessage):
    """Whether a watch has begun: 200, or why not."""

    status: int
    code: str | None = None
    detail: str | None = None


def refusal(error: SteersmanError) -> WatchAnswer:
    """Tell an error as HTTP would."""
    match error:
        case RequestError():
            status = error.status
        case Unavailable():
            status = 503
        case _:
            status = 500
    return WatchAnswer(status=status, code=error.code(), detail=str(error))


def to_wire(message: BridgeMessage) -> JsonObject:
    """Return what is sent; what is absent is left out."""
    return message.model_dump(mode="json", exclude_none=True)

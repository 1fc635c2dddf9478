"""What this process knows of its gateway: whose its tokens are, and how the link to it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from steersman.bridge.state import LinkState
from steersman.core.ids import OwnerId

Identify = Callable[[str], Awaitable[OwnerId]]


@dataclass(frozen=True, slots=True)
class KnownGateway:
    """`identify` None: there is no gateway."""

    identify: Identify | None = None
    link: LinkState = field(default_factory=LinkState)


def known_gateway(url: str | None) -> KnownGateway:
    """Return what believes the tokens of the gateway at this address, if there is one."""
    if url is None:
        return KnownGateway()
    # Imported here: an agent without a gateway need not wait for the cryptography.
    from steersman.adapters.gateway.tokens import GatewayTokens  # noqa: PLC0415

    return KnownGateway(GatewayTokens.of(url).owner_of)

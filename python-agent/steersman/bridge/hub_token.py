"""Get a token for the hub, in exchange for this agent's key."""

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from steersman.bridge.connection import LinkLost, LinkRefused

_TIMEOUT_SECONDS = 10.0
_REFUSALS = frozenset({401, 403})


class HubToken(BaseModel, frozen=True, hide_input_in_errors=True):
    """What the gateway answers. The hub ends the connection when the token expires."""

    access_token: SecretStr
    expires_in: float


async def exchange_key(gateway_url: str, key: SecretStr) -> str:
    """Return a token for one connection. Raises LinkLost and LinkRefused."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
    url = f"{gateway_url.rstrip('/')}/agents/token"
    try:
        # The gateway is a neighbour: a proxy to the internet must not see the key.
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.post(url, headers=headers)
    except httpx.HTTPError as error:
        raise LinkLost(f"{type(error).__name__}: {error}") from None
    if answer.status_code in _REFUSALS:
        raise LinkRefused("the gateway does not know this agent's key; check STEERSMAN_AGENT_KEY")
    if not answer.is_success:
        raise LinkLost(f"the gateway answers {answer.status_code}")
    try:
        return HubToken.model_validate_json(answer.content).access_token.get_secret_value()
    except ValidationError:
        raise LinkLost("what the gateway answers holds no token") from None

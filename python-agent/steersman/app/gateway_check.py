"""Greet the gateway, as `steersman doctor` does."""

import httpx
from pydantic import SecretStr

from steersman.adapters.gateway.keys import KeysUnreadable, fetch_keys, read_keys
from steersman.api.ports import Check
from steersman.bridge.connection import LinkLost, LinkRefused
from steersman.bridge.hub_token import exchange_key


async def greet_gateway(url: str, key: SecretStr) -> Check:
    """Say whether it takes our key and publishes its own. The agent would wait for it."""
    try:
        await exchange_key(url, key)
        keys = read_keys(await fetch_keys(url))
    except LinkRefused as error:
        return Check(status="unavailable", detail=f"{url}: {error}")
    except (LinkLost, httpx.HTTPError, KeysUnreadable) as error:
        mend = "is it running? Agents wait for it"
        return Check(status="degraded", detail=f"{url}: {error or type(error).__name__}; {mend}")
    if not keys:
        return Check(
            status="degraded", detail=f"{url}: it publishes no key that we can verify with"
        )
    return Check(status="ok", detail=f"{url} takes our key")

"""Whose a gateway's token is. There is one algorithm, one issuer, one audience and one type.

Nothing that a token says about how to verify it is believed: `alg` must be ours, `jku`, `jwk` and
`x5u` are never looked at, and `kid` only chooses among the keys that the gateway publishes.
"""

import re
from functools import partial
from typing import Any
from uuid import UUID

import jwt

from steersman.adapters.gateway.keys import ALGORITHM, GatewayKeys, fetch_keys
from steersman.core.errors import Unauthorized
from steersman.core.ids import OwnerId

ISSUER = "steersman-gateway"
AUDIENCE = "steersman-agent"
TYPE = "at+jwt"

_LEEWAY_SECONDS = 5
_LONGEST = 8 * 1024
_KID = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_CLAIMS = ["iss", "aud", "exp", "sub"]


class GatewayTokens:
    """Verify tokens with the keys that the gateway publishes."""

    def __init__(self, keys: GatewayKeys) -> None:
        self._keys = keys

    @classmethod
    def of(cls, gateway_url: str) -> "GatewayTokens":
        """Make it for the gateway at this address."""
        return cls(GatewayKeys(partial(fetch_keys, gateway_url)))

    async def owner_of(self, token: str) -> OwnerId:
        """Return on whose behalf a token speaks.

        Raises Unauthorized, and Unavailable when the keys cannot be had.
        """
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise Unauthorized
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=_LEEWAY_SECONDS,
                options={"require": _CLAIMS, "strict_aud": True},
            )
        except jwt.PyJWTError:
            raise Unauthorized from None
        return _owner(claims["sub"])


def _key_id(token: str) -> str:
    """Read which key a token names, if what it says of itself is what we accept."""
    if len(token) > _LONGEST:
        raise Unauthorized
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Unauthorized from None
    kid, kind = header.get("kid"), header.get("typ")
    if header.get("alg") != ALGORITHM or "crit" in header:
        raise Unauthorized
    if not isinstance(kind, str) or kind.lower() != TYPE:
        raise Unauthorized
    if not isinstance(kid, str) or _KID.fullmatch(kid) is None:
        raise Unauthorized
    return kid


def _owner(subject: str) -> OwnerId:
    """Spell an owner in one way; `local`, who is nobody's user, can never come out of this."""
    try:
        spelled = str(UUID(subject))
    except ValueError:
        raise Unauthorized from None
    if spelled != subject.lower():
        raise Unauthorized
    return OwnerId(spelled)

"""The gateway's public keys: fetched when one is missing, kept while the gateway is away.

An unknown key id makes us look again, at most once in ten seconds, so that made-up ids cost the
gateway nothing. Keys that were fetched go on being used for an hour without the gateway: people
who hold a token must not be locked out by its restart.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import httpx
import jwt

from steersman.core.errors import Unavailable

ALGORITHM = "ES256"
PATH = "/.well-known/jwks.json"

_FRESH_SECONDS = 300.0
"""Older keys are fetched again before they are used, so that a withdrawn one goes."""

_LONGEST_SECONDS = 3600.0
_PAUSE_SECONDS = 10.0
_PAUSE_AFTER_FAILURE_SECONDS = 1.0
_TIMEOUT_SECONDS = 3.0
_LARGEST_BYTES = 64 * 1024

_log = logging.getLogger(__name__)

Fetch = Callable[[], Awaitable[bytes]]


class GatewayUnavailable(Unavailable):
    """The gateway, whose keys are needed to verify this token, does not answer."""


class KeysUnreadable(Exception):
    """What the gateway publishes as its keys cannot be read."""


class GatewayKeys:
    """The keys by their ids. `now` tells seconds that never go back."""

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._now = now
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched = -_LONGEST_SECONDS
        self._not_before = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """Return a key, None when the gateway has none by that id.

        Raises GatewayUnavailable when nothing is known of its keys that is young enough.
        """
        if not self._has_fresh(kid):
            await self._look_again(kid)
        if self._age() >= _LONGEST_SECONDS:
            raise GatewayUnavailable
        return self._keys.get(kid)

    async def _look_again(self, kid: str) -> None:
        if self._turn.locked() and kid in self._keys:
            return  # somebody looks already; what is known does meanwhile
        async with self._turn:
            if self._has_fresh(kid) or self._now() < self._not_before:
                return
            pause = _PAUSE_AFTER_FAILURE_SECONDS
            try:
                self._keys = read_keys(await self._fetch())
                self._fetched, pause = self._now(), _PAUSE_SECONDS
            except (httpx.HTTPError, KeysUnreadable) as error:
                fields = {"action": "gateway_keys", "reason": f"{type(error).__name__}: {error}"}
                _log.warning("gateway_keys_unavailable", extra=fields)
            self._not_before = self._now() + pause

    def _has_fresh(self, kid: str) -> bool:
        return kid in self._keys and self._age() < _FRESH_SECONDS

    def _age(self) -> float:
        return self._now() - self._fetched


def read_keys(raw: bytes) -> Mapping[str, jwt.PyJWK]:
    """Read a JWK set. What is no key for our one algorithm is left out: it verifies nothing."""
    try:
        document: object = json.loads(raw)
    except (ValueError, RecursionError):
        raise KeysUnreadable("it is no JSON") from None
    listed: object = cast(dict[str, Any], document).get("keys") if type(document) is dict else None
    if not isinstance(listed, list):
        raise KeysUnreadable("it has no list of keys")
    read = (_read_key(each) for each in cast(list[object], listed))
    return {key.key_id: key for key in read if key is not None and key.key_id}


def _read_key(listed: object) -> jwt.PyJWK | None:
    if not isinstance(listed, dict):
        return None
    jwk = cast(dict[str, Any], listed)
    wanted = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": ALGORITHM}
    if any(jwk.get(name, value) != value for name, value in wanted.items()):
        return None
    if not isinstance(jwk.get("kid"), str):
        return None
    try:
        return jwt.PyJWK(jwk, ALGORITHM)
    except jwt.PyJWTError:
        return None


async def fetch_keys(gateway_url: str) -> bytes:
    """Fetch what the gateway publishes. Raises httpx.HTTPError and KeysUnreadable."""
    # The gateway is a neighbour: what a machine uses to reach the internet must not see this.
    async with (
        httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client,
        client.stream("GET", gateway_url.rstrip("/") + PATH) as answer,
    ):
        answer.raise_for_status()
        raw = b""
        async for chunk in answer.aiter_bytes():
            raw += chunk
            if len(raw) > _LARGEST_BYTES:
                raise KeysUnreadable("it is too long")
    return raw

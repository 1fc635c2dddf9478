"""The gateway's tokens: whose they are, and every way of making one up."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from steersman.adapters.gateway.keys import GatewayKeys
from steersman.adapters.gateway.tokens import GatewayTokens
from steersman.core.errors import Unauthorized
from tests.agent.bridge.signing import ALICE, Signer, jwks

GATEWAY = Signer("2026-11")
STRANGER = Signer("2026-11")


@pytest.fixture
def fetched() -> list[str]:
    return []


@pytest.fixture
def tokens(fetched: list[str]) -> GatewayTokens:
    async def fetch() -> bytes:
        fetched.append("jwks")
        return jwks(GATEWAY)

    return GatewayTokens(GatewayKeys(fetch))


def plain(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def signed_with_nothing(alg: str) -> str:
    _, claims, _ = GATEWAY.token().split(".")
    return f"{plain({'alg': alg, 'typ': 'at+jwt', 'kid': GATEWAY.kid})}.{claims}."


def signed_with_the_public_key(secret: bytes) -> str:
    _, claims, _ = GATEWAY.token().split(".")
    signed = f"{plain({'alg': 'HS256', 'typ': 'at+jwt', 'kid': GATEWAY.kid})}.{claims}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def with_other_claims() -> str:
    head, _, signature = GATEWAY.token().split(".")
    _, claims, _ = STRANGER.token(sub="0197b2f0-0000-7000-8000-0000000000ff").split(".")
    return f"{head}.{claims}.{signature}"


def kid(value: object) -> Callable[[], str]:
    return lambda: STRANGER.token(header={"kid": value})


def claim(**claims: Any) -> Callable[[], str]:
    return lambda: GATEWAY.token(**claims)


def typ(value: Any) -> Callable[[], str]:
    return lambda: GATEWAY.token(header={"typ": value})


NOW = int(time.time())
ATTACKS: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: signed_with_nothing("none"),
    "no algorithm, oddly spelled": lambda: signed_with_nothing("nOnE"),
    "no signature": lambda: signed_with_nothing("ES256"),
    "HS256 with the public key": lambda: signed_with_the_public_key(GATEWAY.public_pem),
    "HS256 with the published key": lambda: signed_with_the_public_key(
        json.dumps(GATEWAY.jwk).encode()
    ),
    "another key under the same id": STRANGER.token,
    "claims of another token": with_other_claims,
    "another key under an unknown id": kid("unknown"),
    "the key id is a path": kid("../../../../dev/null"),
    "the key id is a URL": kid("https://evil.example/jwks.json"),
    "the key id is huge": kid("k" * 7_000),
    "the key id has a NUL": kid("2026-11\x00"),
    "the key id ends with a line": kid("2026-11\n"),
    "the key id is empty": kid(""),
    "the key is in the token": lambda: STRANGER.token(header={"jwk": STRANGER.jwk}),
    "the key is elsewhere": lambda: STRANGER.token(
        header={"jku": "https://evil.example/jwks.json", "kid": "x"}
    ),
    "an extension that must be understood": lambda: GATEWAY.token(header={"crit": ["exp"]}),
    "no audience": claim(aud=None),
    "the hub's audience": claim(aud="steersman-hub"),
    "several audiences": claim(aud=["steersman-agent", "steersman-hub"]),
    "no issuer": claim(iss=None),
    "another issuer": claim(iss="steersman-gateway.evil.example"),
    "several issuers": claim(iss=["steersman-gateway"]),
    "no type": lambda: GATEWAY.token(header={"typ": None}),
    "another type": typ("JWT"),
    "a session's type": typ("id+jwt"),
    "expired": claim(exp=NOW - 60),
    "never expiring": claim(exp=None),
    "expiring some day": claim(exp="later"),
    "not yet valid": claim(nbf=NOW + 600),
    "issued in the future": claim(iat=NOW + 600),
    "nobody's": claim(sub=None),
    "the local owner's": claim(sub="local"),
    "everybody's": claim(sub=""),
    "of a number": claim(sub=7),
    "of a UUID in braces": claim(sub="{" + ALICE + "}"),
    "of a UUID without dashes": claim(sub=ALICE.replace("-", "")),
    "of a UUID with a NUL": claim(sub=ALICE + "\x00"),
    "huge": claim(roles=["x" * 20_000]),
    "empty": lambda: "",
    "dots": lambda: "..",
    "no JSON": lambda: f"{base64.urlsafe_b64encode(b'{').decode()}.e30.x",
    "a list for a head": lambda: f"{plain([1])}.e30.x",
    "latin": lambda: "\u00e9.\u00e9.\u00e9",
}


async def test_a_token_speaks_for_the_person_it_names(tokens: GatewayTokens) -> None:
    assert await tokens.owner_of(GATEWAY.token()) == ALICE
    assert await tokens.owner_of(GATEWAY.token(sub=ALICE.upper())) == ALICE
    assert await tokens.owner_of(GATEWAY.token(header={"typ": "AT+JWT"})) == ALICE


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_the_gateway_did_not_sign_for_us_speaks_for_nobody(
    tokens: GatewayTokens, attack: str
) -> None:
    made = ATTACKS[attack]()
    with pytest.raises(Unauthorized):
        await tokens.owner_of(made)


async def test_a_made_up_token_costs_the_gateway_nothing(
    tokens: GatewayTokens, fetched: list[str]
) -> None:
    await tokens.owner_of(GATEWAY.token())
    for attack in ATTACKS.values():
        with pytest.raises(Unauthorized):
            await tokens.owner_of(attack())
    assert fetched == ["jwks"]

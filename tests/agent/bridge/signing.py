"""A gateway's key, the tokens that it signs, and what it publishes."""

import json
import time
from functools import cached_property
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

ALICE = "0197b2f0-0000-7000-8000-00000000000a"
BOB = "0197b2f0-0000-7000-8000-00000000000b"


class Signer:
    """One signing key of a gateway."""

    def __init__(self, kid: str | None = None) -> None:
        self.kid = kid or uuid4().hex
        self._key = ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def public_pem(self) -> bytes:
        """Return the public half, as an attacker can have it too."""
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def jwk(self) -> dict[str, Any]:
        """Return the public half as a gateway publishes it."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def token(
        self, sub: object = ALICE, *, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Sign a good token, or with these claims and headers another; None leaves one out."""
        now = int(time.time())
        whole = {
            "iss": "steersman-gateway",
            "aud": "steersman-agent",
            "sub": sub,
            "roles": ["user"],
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            **claims,
        }
        kept = {name: value for name, value in whole.items() if value is not None}
        headers = {"kid": self.kid, "typ": "at+jwt", **(header or {})}
        return jwt.PyJWS().encode(json.dumps(kept).encode(), self._key, "ES256", headers=headers)


def jwks(*signers: Signer) -> bytes:
    """Return what is at `/.well-known/jwks.json`."""
    return json.dumps({"keys": [signer.jwk for signer in signers]}).encode()

"""When the gateway's keys are fetched, and for how long they do without it."""

import asyncio
import json
from dataclasses import dataclass, field

import httpx
import pytest

from steersman.adapters.gateway.keys import (
    GatewayKeys,
    GatewayUnavailable,
    KeysUnreadable,
    fetch_keys,
    read_keys,
)
from tests.agent.bridge.signing import Signer, jwks
from tests.agent.support.small_http import answering

OLD, NEW = Signer("old"), Signer("new")


@dataclass
class Gateway:
    """Publishes keys, while it is up."""

    published: tuple[Signer, ...] = (OLD,)
    up: bool = True
    now: float = 1_000_000.0
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.keys = GatewayKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.gate.wait()
        if not self.up:
            raise httpx.ConnectError("refused")
        return jwks(*self.published)

    async def knows(self, kid: str) -> bool:
        return await self.keys.find(kid) is not None


async def test_keys_are_fetched_once_for_all_who_wait() -> None:
    gateway = Gateway()
    gateway.gate.clear()
    async with asyncio.TaskGroup() as group:
        found = [group.create_task(gateway.knows("old")) for _ in range(20)]
        while not gateway.asked:  # noqa: ASYNC110 - the fetch itself tells when it is begun
            await asyncio.sleep(0)
        gateway.gate.set()
    assert [each.result() for each in found] == [True] * 20
    assert gateway.asked == 1


async def test_an_unknown_key_makes_us_look_again_every_ten_seconds_at_most() -> None:
    gateway = Gateway()
    assert await gateway.knows("old")
    gateway.published = (OLD, NEW)
    gateway.now += 9.9
    assert not await gateway.knows("new")
    assert gateway.asked == 1
    gateway.now += 0.2
    assert await gateway.knows("new")
    for n in range(100):
        assert not await gateway.knows(f"made-up-{n}")
    assert gateway.asked == 2


async def test_without_the_gateway_its_keys_do_for_an_hour() -> None:
    gateway = Gateway()
    assert await gateway.knows("old")
    gateway.up = False
    gateway.now += 3_599
    assert await gateway.knows("old")
    gateway.now += 1
    with pytest.raises(GatewayUnavailable):
        await gateway.knows("old")
    gateway.up = True
    gateway.now += 1
    assert await gateway.knows("old")


async def test_a_gateway_that_comes_later_than_the_agent_is_found_within_a_second() -> None:
    gateway = Gateway(up=False)
    for _ in range(3):
        with pytest.raises(GatewayUnavailable):
            await gateway.knows("old")
    assert gateway.asked == 1
    gateway.up = True
    gateway.now += 1
    assert await gateway.knows("old")


async def test_a_key_that_was_withdrawn_is_forgotten_after_five_minutes() -> None:
    gateway = Gateway((OLD, NEW))
    assert await gateway.knows("old")
    gateway.published = (NEW,)
    gateway.now += 299
    assert await gateway.knows("old")
    gateway.now += 1
    assert not await gateway.knows("old")


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[]", b"{}", b'{"keys": 1}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_list_of_keys_cannot_be_read(raw: bytes) -> None:
    with pytest.raises(KeysUnreadable):
        read_keys(raw)


def test_only_keys_for_our_algorithm_are_taken() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}
    listed = [
        1,
        {},
        secret,
        {**secret, "alg": "HS256"},
        {**OLD.jwk, "kid": "other-use", "use": "enc"},
        {**OLD.jwk, "kid": "other-algorithm", "alg": "ES384"},
        {**OLD.jwk, "kid": "other-curve", "crv": "P-384"},
        {**OLD.jwk, "kid": "no-point", "x": "AAAA"},
        {**OLD.jwk, "kid": 7},
        {name: value for name, value in OLD.jwk.items() if name not in ("kid", "use")},
        OLD.jwk,
    ]
    assert list(read_keys(json.dumps({"keys": listed}).encode())) == ["old"]


async def test_keys_come_over_http_and_nothing_else_is_followed() -> None:
    good = jwks(OLD)
    async with answering({"/.well-known/jwks.json": (200, good)}) as url:
        assert await fetch_keys(f"{url}/") == good
    for status, body, failure in (
        (503, b"", httpx.HTTPError),
        (302, b"", httpx.HTTPError),
        (200, b"x" * 70_000, KeysUnreadable),
    ):
        async with answering({"/.well-known/jwks.json": (status, body)}) as url:
            with pytest.raises(failure):
                await fetch_keys(url)

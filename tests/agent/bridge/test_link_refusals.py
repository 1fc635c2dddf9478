"""A gateway that does not want the agent, or not now."""

import logging

import pytest

from tests.agent.api.driving import until
from tests.agent.bridge.linking import KEY, a_line

pytestmark = pytest.mark.slow  # waits for real sockets


@pytest.mark.parametrize(
    ("token_status", "hub_status", "reason"),
    [
        (401, 200, "the gateway does not know this agent's key; check STEERSMAN_AGENT_KEY"),
        (503, 200, "the gateway answers 503"),
        (200, 401, "the hub answers 401"),
        (200, 403, "ConnectionError {'status': 403}"),
        (200, 503, "ConnectionError {'status': 503}"),
    ],
)
async def test_a_gateway_that_refuses_is_asked_again_and_complained_of_once(
    caplog: pytest.LogCaptureFixture,
    token_status: int,
    hub_status: int,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO)
    async with a_line() as line:
        line.hub.token_status, line.hub.hub_status = token_status, hub_status
        async with line.running():
            await until(lambda: len(line.hub.keys_shown) >= 3)
            assert line.link.state.failure == reason
            line.hub.token_status = line.hub.hub_status = 200
            await line.next()
        assert caplog.text.count("gateway_unavailable") == 1
        assert caplog.text.count("gateway_connected") == 1
        assert KEY.get_secret_value() not in caplog.text

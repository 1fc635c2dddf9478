"""Keep a connection to the hub up for as long as the agent runs.

A new token, a new client, a new session with every attempt: nothing of a connection survives it.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial

from pydantic import ValidationError

from steersman.bridge.connection import (
    CallFailed,
    Connection,
    LinkLost,
    LinkRefused,
    LinkTiming,
    Session,
    TraceHeaders,
)
from steersman.bridge.state import LinkState

_SETTLED_SECONDS = 5.0
"""A connection that was up for so long has worked, and the pause after it is a short one."""

_MOST_DOUBLINGS = 16
_log = logging.getLogger(__name__)

TokenSource = Callable[[], Awaitable[str]]
"""Get a token for one connection. Raises LinkLost and LinkRefused."""


class HubLink:
    """Dial `url`, with a token from `token`, and run a session of `begin` on each connection."""

    def __init__(
        self,
        url: str,
        token: TokenSource,
        begin: Callable[[Connection], Session],
        *,
        state: LinkState | None = None,
        timing: LinkTiming | None = None,
        trace_headers: TraceHeaders = dict,
    ) -> None:
        self._url = url
        self._token = token
        self._begin = begin
        self._timing = timing or LinkTiming()
        self._trace_headers = trace_headers
        self._failures = 0
        self.state = state or LinkState()

    async def run(self) -> None:
        """Connect, and again whenever a connection ends, until cancelled."""
        try:
            while True:
                ended = await self._connect()
                await asyncio.sleep(self._pause(ended))
        finally:
            self.state.up_since = None

    async def _connect(self) -> Exception:
        """Connect and stay so. Returns why that is over."""
        try:
            async with asyncio.timeout(self._timing.connect.total_seconds()):
                token = await self._token()
            connection = Connection(
                self._url, token, timing=self._timing, trace_headers=self._trace_headers
            )
            await connection.hold(partial(self._begin, connection), self._note_up)
        except (LinkLost, CallFailed, TimeoutError, ValidationError) as error:
            self._note_down(error)
            return error
        except Exception as error:  # noqa: BLE001 - a boundary: a bug of a session must not end the link
            _log.exception("gateway_session_failed", extra={"action": "gateway"})
            self._note_down(error)
            return error

    def _note_up(self) -> None:
        self.state.up_since = _now()
        self.state.connections += 1
        _log.info("gateway_connected", extra={"action": "gateway", "url": self._url})

    def _note_down(self, error: Exception) -> None:
        state = self.state
        settled = state.up_since is not None and _now() - state.up_since > _SETTLED_SECONDS
        self._failures = 0 if settled else min(self._failures + 1, _MOST_DOUBLINGS)
        if state.up or state.failure is None:
            # Once: while the gateway stays away there is nothing new to say.
            fields = {"action": "gateway", "url": self._url, "reason": _words(error)}
            _log.warning("gateway_unavailable", extra=fields)
        state.up_since, state.failure = None, _words(error)

    def _pause(self, error: Exception) -> float:
        """Return anything up to a limit, so that agents do not all come back at once."""
        if isinstance(error, LinkRefused):
            return self._timing.refused.total_seconds() * random.uniform(0.5, 1)
        shortest = self._timing.shortest_pause.total_seconds()
        longest = self._timing.longest_pause.total_seconds()
        return random.uniform(0, min(longest, shortest * 2**self._failures))


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _now() -> float:
    return asyncio.get_running_loop().time()

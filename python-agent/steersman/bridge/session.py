"""What is said on one connection: who we are, how we are, what is watched, what is commanded."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from steersman.bridge.connection import Connection, Handler
from steersman.bridge.messages import ExecuteRequest, HubWelcome, to_wire
from steersman.bridge.ports import AgentSide
from steersman.bridge.subscriptions import Subscriptions
from steersman.core.events import JsonObject


class BridgeSession:
    """The port Session, for an agent."""

    def __init__(self, agent: AgentSide, hub: Connection) -> None:
        self._agent = agent
        self._hub = hub
        self._group = asyncio.TaskGroup()
        self._subscriptions = Subscriptions(hub, agent, self._spawn)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what the gateway may ask."""
        return {
            "Watch": self._subscriptions.watch,
            "WatchOwner": self._subscriptions.watch_owner,
            "Unwatch": self._subscriptions.unwatch,
            "Execute": self._execute,
        }

    async def run(self) -> None:
        """Register, then beat, push and look until the connection ends."""
        async with self._group as group:
            answer = await self._hub.call("Register", to_wire(self._agent.hello))
            welcome = HubWelcome.model_validate(answer)
            group.create_task(self._subscriptions.pusher.run(welcome.max_batch_bytes))
            group.create_task(self._subscriptions.feed.run())
            await self._beat(welcome.heartbeat_seconds)

    async def _beat(self, seconds: float) -> None:
        changed = self._agent.active_changed
        while True:
            changed.clear()
            await self._hub.call("Heartbeat", to_wire(self._agent.pulse()))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await changed.wait()

    async def _execute(self, argument: JsonObject) -> JsonObject:
        request = ExecuteRequest.model_validate(argument)
        return await self._agent.execute(request.command, request.token.get_secret_value())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return self._group.create_task(work)

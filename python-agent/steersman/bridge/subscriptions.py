"""What the gateway watches over one connection. All of it ends with the connection.

A subscription is entered before anything is waited for, so that an `Unwatch` that comes right
behind its `Watch` finds it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from steersman.bridge.connection import Connection
from steersman.bridge.messages import (
    UnwatchRequest,
    WatchAnswer,
    WatchOwnerRequest,
    WatchRequest,
    refusal,
    to_wire,
)
from steersman.bridge.outbox import Outbox
from steersman.bridge.owner_feed import OwnerFeed
from steersman.bridge.ports import AgentSide
from steersman.bridge.pusher import Pusher
from steersman.core.errors import LogUnreadable, SteersmanError
from steersman.core.events import JsonObject
from steersman.core.ids import OwnerId, TaskId

_log = logging.getLogger(__name__)
_BEGUN = to_wire(WatchAnswer(status=200))

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(eq=False, slots=True)
class Subscription:
    """One watch. `following` None: it has not begun."""

    outbox: Outbox
    following: "asyncio.Task[None] | None" = None

    @property
    def id(self) -> str:
        """Return the name that the gateway has given it."""
        return self.outbox.subscription_id


class Subscriptions:
    """The subscriptions of a connection. `spawn` runs what must end with it."""

    def __init__(self, hub: Connection, agent: AgentSide, spawn: Spawn) -> None:
        self._hub = hub
        self._agent = agent
        self._spawn = spawn
        self._open: dict[str, Subscription] = {}
        self.pusher = Pusher(hub, self.end)
        self.feed = OwnerFeed(agent.owner_views, agent.hints)

    async def watch(self, argument: JsonObject) -> JsonObject:
        """Begin to follow a task, if its owner asks."""
        request = WatchRequest.model_validate(argument)
        subscription = self._enter(request.subscription_id)
        try:
            owner_id = await self._agent.identify(request.token.get_secret_value())
            task_id = TaskId(request.task_id)
            await self._agent.tasks.view(task_id, owner_id, min_seq=request.after)
        except SteersmanError as error:
            self._leave(subscription)
            return to_wire(refusal(error))
        self._begin(subscription, self._follow_task(subscription, request, owner_id))
        return _BEGUN

    async def watch_owner(self, argument: JsonObject) -> JsonObject:
        """Begin to follow all tasks of the token's owner."""
        request = WatchOwnerRequest.model_validate(argument)
        subscription = self._enter(request.subscription_id)
        try:
            owner_id = await self._agent.identify(request.token.get_secret_value())
        except SteersmanError as error:
            self._leave(subscription)
            return to_wire(refusal(error))
        self._begin(subscription, self._follow_owner(subscription, owner_id))
        return _BEGUN

    async def unwatch(self, argument: JsonObject) -> None:
        """End a subscription; one that has ended already is no error."""
        self.end(UnwatchRequest.model_validate(argument).subscription_id)

    def end(self, subscription_id: str) -> None:
        """End a subscription, with all that it still had to push."""
        if (subscription := self._open.pop(subscription_id, None)) is None:
            return
        self.pusher.forget(subscription.outbox)
        if subscription.following is not None:
            subscription.following.cancel()

    def _enter(self, subscription_id: str) -> Subscription:
        self.end(subscription_id)
        subscription = Subscription(Outbox(subscription_id, self.pusher.add))
        self._open[subscription_id] = subscription
        return subscription

    def _leave(self, subscription: Subscription) -> None:
        if self._open.get(subscription.id) is subscription:
            del self._open[subscription.id]

    def _begin(self, subscription: Subscription, following: Coroutine[Any, Any, None]) -> None:
        if self._open.get(subscription.id) is subscription:
            subscription.following = self._spawn(following)
        else:
            following.close()  # the gateway has changed its mind meanwhile

    async def _follow_task(
        self, subscription: Subscription, request: WatchRequest, owner_id: OwnerId
    ) -> None:
        task_id = TaskId(request.task_id)
        try:
            watching = self._agent.tasks.watch(task_id, owner_id, after=request.after)
            async with aclosing(watching) as items:
                async for item in items:
                    await subscription.outbox.put(item)
        except SteersmanError as error:
            await self._give_up(subscription, error)
        except ValidationError:
            await self._give_up(subscription, LogUnreadable())
        else:
            # What is still in its outbox is pushed; there will be no more.
            self._leave(subscription)

    async def _follow_owner(self, subscription: Subscription, owner_id: OwnerId) -> None:
        outbox = subscription.outbox
        with self.feed.follow(owner_id, outbox.put_view) as watch:
            await self.feed.show_all(watch, outbox.has_room)
            await asyncio.Event().wait()  # the feed shows what changes, until we are cancelled

    async def _give_up(self, subscription: Subscription, error: SteersmanError) -> None:
        fields = {"action": "watch_ended", "code": error.code()}
        _log.info("watch_ended", extra=fields)
        self._leave(subscription)
        self.pusher.forget(subscription.outbox)
        why = to_wire(refusal(error))
        await self._hub.tell("WatchEnded", {"subscription_id": subscription.id, **why})

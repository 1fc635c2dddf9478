"""An agent with logs in memory, its link, and a gateway that keeps what is pushed to it."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from steersman.adapters.in_memory import InMemoryHints
from steersman.bridge.messages import AgentHello, AgentPulse
from steersman.bridge.ports import AgentSide
from steersman.bridge.session import BridgeSession
from steersman.core.errors import Unauthorized
from steersman.core.events import Event, JsonObject, MessageAdded, TaskStopped
from steersman.core.ids import MessageId, OwnerId, TaskId
from steersman.core.new_task import NewTask
from steersman.core.owner_views import OwnedView
from tests.agent.api.driving import until
from tests.agent.api.fakes import InMemoryTasks
from tests.agent.bridge.linking import FAST, Line, a_line
from tests.agent.bridge.signing import ALICE
from tests.agent.support.hub_server import HubConnection

ME = OwnerId(ALICE)
GOOD, BAD = "a-good-token", "a-bad-token"
STOPPED = TaskStopped(by=ME)


def said(text: str = "step") -> Event:
    return MessageAdded(message_id=MessageId("m"), text=text, author_id=ME)


class NoViews:
    """Nobody has any task."""

    async def page(
        self, owner_id: OwnerId, before: TaskId | None, limit: int
    ) -> tuple[OwnedView, ...]:
        return ()

    async def changed(
        self, known: Mapping[TaskId, int], owners: Sequence[OwnerId], after: TaskId
    ) -> tuple[OwnedView, ...]:
        return ()


async def identify(token: str) -> OwnerId:
    if token != GOOD:
        raise Unauthorized
    return ME


@dataclass
class Gateway:
    """What a gateway does with pushes: it keeps what is next, and stops what has a hole."""

    logs: defaultdict[str, list[JsonObject]] = field(default_factory=lambda: defaultdict(list))
    deltas: list[JsonObject] = field(default_factory=list)
    views: list[JsonObject] = field(default_factory=list)
    pushes: int = 0
    received: int = 0
    holes: int = 0
    before_ack: Callable[[HubConnection], Awaitable[None]] | None = None
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    def last(self, task_id: str) -> int:
        return len(self.logs[task_id])

    async def push(
        self, connection: HubConnection, entries: Sequence[JsonObject]
    ) -> list[JsonObject]:
        self.pushes += 1
        acks = [self._take(entry) for entry in entries]
        async with self.grown:
            self.grown.notify_all()
        if self.before_ack is not None:
            await self.before_ack(connection)
        return acks

    def _take(self, entry: JsonObject) -> JsonObject:
        assert entry.keys() == {"subscription_id", "events", "deltas", "views"}
        task_id = entry["subscription_id"].partition("/")[0]
        stop = False
        for event in entry["events"]:
            self.received += 1
            assert event["task_id"] == task_id
            if event["seq"] == self.last(task_id) + 1:
                self.logs[task_id].append(event)
            if event["seq"] > self.last(task_id) + 1:
                self.holes += 1
                stop = True
        self.deltas += entry["deltas"]
        self.views += entry["views"]
        acked = self.last(task_id)
        return {"subscription_id": entry["subscription_id"], "acked_seq": acked, "stop": stop}

    async def has(self, task_id: str, seq: int) -> None:
        async with self.grown, asyncio.timeout(20):
            await self.grown.wait_for(lambda: self.last(task_id) >= seq)


@dataclass
class Bridge:
    """Both sides."""

    line: Line
    tasks: InMemoryTasks = field(default_factory=InMemoryTasks)
    gateway: Gateway = field(default_factory=Gateway)
    working_on: list[str] = field(default_factory=list)
    active_changed: asyncio.Event = field(default_factory=asyncio.Event)
    executed: list[tuple[JsonObject, str]] = field(default_factory=list)
    ended: list[JsonObject] = field(default_factory=list)
    sessions: list[BridgeSession] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.line.link._begin = self._begin
        self.line.hub.methods |= {
            "Register": self._register,
            "Heartbeat": self._heartbeat,
            "PushEvents": self.gateway.push,
            "WatchEnded": self._watch_ended,
        }
        self.max_batch_bytes = 64 * 1024

    def _begin(self, connection: Any) -> BridgeSession:
        async def execute(command: JsonObject, token: str) -> JsonObject:
            self.executed.append((command, token))
            return {"type": "answer", "status": 202, "command_id": command.get("command_id")}

        agent = AgentSide(
            hello=AgentHello(
                worker_id="w1",
                version="1",
                contract_version=1,
                roles=("developer",),
                capacity=2,
            ),
            tasks=self.tasks,
            owner_views=NoViews(),
            hints=InMemoryHints(),
            identify=identify,
            execute=execute,
            pulse=lambda: AgentPulse(
                agent_status="IDLE", capacity=2, active_tasks=tuple(self.working_on)
            ),
            active_changed=self.active_changed,
        )
        self.sessions.append(BridgeSession(agent, connection))
        return self.sessions[-1]

    async def _register(self, _connection: HubConnection, _hello: JsonObject) -> JsonObject:
        return {
            "connection_id": "c1",
            "max_batch_bytes": self.max_batch_bytes,
            "heartbeat_seconds": 60,
            "of_a_later_version": 1,
        }

    async def _heartbeat(self, _connection: HubConnection, _pulse: JsonObject) -> None:
        return None

    async def _watch_ended(self, _connection: HubConnection, ended: JsonObject) -> None:
        self.ended.append(ended)

    @asynccontextmanager
    async def up(self) -> AsyncGenerator[HubConnection]:
        """Run the link; yield its first connection once it is registered."""
        async with self.line.running():
            yield await self.next()

    async def next(self) -> HubConnection:
        """Wait for the next connection, until it is registered."""
        before = len(self.called("Register"))
        connection = await self.line.hub.next()
        await until(lambda: len(self.called("Register")) > before or connection.gone.is_set())
        return connection

    def called(self, target: str) -> list[Any]:
        """Return the argument of each call of a method."""
        return [c.arguments[0] for c in self.line.hub.calls if c.target == target]

    async def task(self) -> TaskId:
        """Submit a task."""
        return TaskId((await self.tasks.submit(NewTask(goal="x"), ME))["task_id"])

    async def watch(
        self, hub: HubConnection, task_id: str, after: int | None = None, token: str = GOOD
    ) -> JsonObject:
        """Ask for a task from what the gateway has of it."""
        start = self.gateway.last(task_id) if after is None else after
        request = {
            "subscription_id": f"{task_id}/{next(self._numbers)}",
            "task_id": task_id,
            "after": start,
            "token": token,
            "of_a_later_version": True,
        }
        return (await hub.ask("Watch", request))["result"]


@asynccontextmanager
async def a_bridge() -> AsyncGenerator[Bridge]:
    async with a_line(FAST) as line:
        yield Bridge(line)

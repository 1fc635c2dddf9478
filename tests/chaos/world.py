"""Everything that runs, and what is done to it."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from steersman.adapters.postgres.pool import DATABASE_ERRORS
from steersman.core.events import JsonObject
from tests.chaos.orders import Orders
from tests.chaos.people import People
from tests.chaos.proxy import FaultProxy
from tests.chaos.servers import Agents, Database, RedisProcess
from tests.chaos.stranger import Stranger

AT_ONCE = 8
LEASE_SECONDS = 2
PAUSE = (0.3, 1.5)
_TRUTH = "SELECT version, view, size_bytes FROM tasks WHERE id = $1"
_AWAY = (RedisError, *DATABASE_ERRORS)


@dataclass(slots=True)
class World:
    """Everything that runs, and what is done to it."""

    random: random.Random
    database: Database
    proxy: FaultProxy
    redis: RedisProcess
    agents: Agents
    people: People
    stranger: Stranger
    orders: Orders
    dsn: str
    pause: tuple[float, float] = PAUSE
    """Seconds between two faults, at least and at most."""
    kills_weigh: int = 6
    """How often it is a kill; all other faults weigh 14."""
    done: dict[str, int] = field(default_factory=dict[str, int])
    ahead: int = 0
    different: int = 0
    compared: int = 0
    samples: int = 0

    async def destroy(self, until: float) -> None:
        """Do one thing after the other, some of them at the same time."""
        faults: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._kill, self.kills_weigh),
            (self._freeze, 4),
            (self._crash_database, 1),
            (self._end_backends, 2),
            (self._cut_connections, 3),
            (self._hurt_redis, 2),
            (self._silence_database, 2),
        ]
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                [fault] = self.random.choices(
                    [fault for fault, _ in faults], [weight for _, weight in faults]
                )
                name = fault.__name__.strip("_")
                self.done[name] = self.done.get(name, 0) + 1
                group.create_task(_begin(fault))
                await asyncio.sleep(self.random.uniform(*self.pause))
            self.proxy.lose_answers = 0.0

    async def _kill(self) -> None:
        """Kill one that is up or just starting, but the last that is up only now and then.

        A machine that needs long to start an agent would do nothing else otherwise.
        """
        member = self.random.choice(self.agents.members)
        is_last = not any(one is not member and one.is_up() for one in self.agents.members)
        if not member.frozen and (not is_last or self.random.random() < 0.1):
            await self.agents.kill(member)

    async def _freeze(self) -> None:
        awake = [member for member in self.agents.members if not member.frozen]
        if len(awake) > 1:
            await self.agents.freeze(self.random.choice(awake), self.random.uniform(0.5, 5))

    async def _crash_database(self) -> None:
        await self.database.crash()

    async def _end_backends(self) -> None:
        with suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(self.dsn, timeout=5)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await connection.close()

    async def _cut_connections(self) -> None:
        self.proxy.cut_all()

    async def _silence_database(self) -> None:
        """For nearly a lease: it is lost here, and may still stand there."""
        await self.proxy.keep_silent(LEASE_SECONDS * self.random.uniform(0.8, 1.0))

    async def _hurt_redis(self) -> None:
        await self.redis.hurt(self.random.uniform(0, 2))

    async def live_through(self, until: float) -> None:
        """Let everything happen at once; return when every task has ended."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.destroy(until))
            group.create_task(self.sample_copies(until))
            lasting = [
                group.create_task(self.people.decide()),
                group.create_task(self.stranger.pry()),
            ]
            # The last task may be accepted long after `until`: who decides must outlast it.
            await self.keep_busy(until)
            for one in lasting:
                one.cancel()

    async def keep_busy(self, until: float) -> None:
        """Keep some tasks running, each with a watcher; speak to some of them.

        Returns when all have ended, and nobody waits for an answer any more.
        """
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                running = sum(not seen.final for seen in self.people.watchers)
                if running < AT_ONCE:
                    task_id = await self.people.submit()
                    group.create_task(self.people.watch(task_id))
                    continue
                if self.random.random() < 0.2:
                    going = [seen for seen in self.people.watchers if not seen.final]
                    if going:
                        task_id = self.random.choice(going).task_id
                        group.create_task(self.people.command(task_id))
                await asyncio.sleep(0.1)

    async def sample_copies(self, until: float) -> None:
        """See that no copy in Redis is ahead or different: it is read first, then the truth."""
        client = Redis(port=self.redis.port, socket_timeout=0.3)
        while time.monotonic() < until:
            with suppress(*_AWAY):
                connection = await asyncpg.connect(self.dsn, timeout=5)
                while time.monotonic() < until:
                    for task_id in self.people.tasks[-AT_ONCE:]:
                        names = ["version", "view"]
                        version, view = await client.hmget(f"steersman:view:{task_id}", names)
                        truth = await connection.fetchrow(_TRUTH, task_id)
                        if version and view and truth:
                            self._compare(int(version), json.loads(view), truth)
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
        await client.aclose()

    def _compare(self, version: int, view: JsonObject, truth: asyncpg.Record) -> None:
        self.samples += 1
        self.ahead += version > truth["version"]
        if version == truth["version"]:
            self.compared += 1
            stored = {**json.loads(truth["view"]), "size_bytes": truth["size_bytes"]}
            self.different += view != stored


async def _begin(fault: Callable[[], Awaitable[None]]) -> None:
    await fault()

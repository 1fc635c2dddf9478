"""`make chaos`: break everything at random while tasks run, then check what was promised.

`python -m tests.chaos.run [seconds] [seed]`. The same seed makes the same choices; what they hit
depends on the machine's timing.
"""

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx

from steersman.adapters.postgres.embedded import DATABASE, start_embedded
from tests.agent.e2e.processes import environment
from tests.agent.support.redis_server import free_port
from tests.chaos.invariants import broken
from tests.chaos.people import People
from tests.chaos.proxy import fault_proxy
from tests.chaos.scorecard import scorecard, tail
from tests.chaos.servers import Agent, Agents, Database, RedisProcess
from tests.chaos.story import cassette
from tests.chaos.world import World

AGENTS = 3
LEASE_SECONDS = 2
CATCH_UP_SECONDS = 90


async def chaos(seconds: float, seed: int) -> int:
    """Run, check, print the scorecard; return 1 if anything was broken."""
    wrong, lines = await play(seconds, seed)
    print(f"chaos, seed {seed}")
    print("\n".join(lines))
    print("\n".join(f"BROKEN  {what}" for what in wrong) or "every invariant holds")
    return 1 if wrong else 0


async def play(seconds: float, seed: int) -> tuple[list[str], list[str]]:
    """Run and check; return what was broken, and the scorecard."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steersman-chaos-")))
        world = await _world(home, seed, stack)
        began = time.monotonic()
        until = began + seconds
        async with asyncio.timeout(seconds + CATCH_UP_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(world.destroy(until))
            group.create_task(world.keep_busy(until))
            group.create_task(world.sample_copies(until))
            await asyncio.sleep(seconds)
            world.proxy.lose_answers = 0.0
        caught_up = time.monotonic() - until
        codes = await world.agents.end()
        connection = await asyncpg.connect(world.dsn)
        wrong = await broken(
            connection,
            acknowledged=world.people.acknowledged,
            watchers=world.people.watchers,
            workspaces=home / "workspaces/local",
        )
        wrong += [f"I8 copies ahead: {world.ahead}"] if world.ahead else []
        for code, member in zip(codes, world.agents.members, strict=True):
            wrong += [f"exit code {code}: {tail(member.log)}"] if code else []
        lines = await scorecard(world, connection, seconds=seconds, caught_up=caught_up)
        await connection.close()
    return wrong, lines


async def _world(home: Path, seed: int, stack: AsyncExitStack) -> World:
    numbers = random.Random(seed)
    database = Database(home / "postgres", await start_embedded(home / "postgres"))
    stack.push_async_callback(asyncio.to_thread, lambda: database.server.close())
    dsn = database.server.dsn()
    proxy = await stack.enter_async_context(
        fault_proxy(database.sockets, home / "proxy", random.Random(seed + 1))
    )
    proxy.lose_answers = 0.002
    redis = RedisProcess(free_port())
    redis.start()
    stack.callback(redis.kill)
    (home / "cassette.json").write_text(json.dumps(cassette()))
    env = environment(
        home,
        database_url=f"postgresql://postgres@/{DATABASE}?host={quote(str(home / 'proxy'))}",
        redis_url=f"redis://127.0.0.1:{redis.port}",
        model=f"scripted/{home / 'cassette.json'}",
        lease_seconds=LEASE_SECONDS,
        grace_seconds=5,
    )
    members = [Agent(free_port(), env, home / f"agent-{n}.log") for n in range(AGENTS)]
    agents = Agents(members)
    agents.start()
    stack.callback(lambda: [member.process and member.process.kill() for member in members])
    http = await stack.enter_async_context(httpx.AsyncClient())
    people = People(http, lambda: agents.url(numbers), numbers)
    return World(numbers, database, proxy, redis, agents, people, dsn)


def _end_on_signal(number: int, _frame: object) -> None:
    # So that everything that was started is ended, as after an error.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end_on_signal)
    arguments = sys.argv[1:]
    chosen = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6)
    sys.exit(asyncio.run(chaos(float(arguments[0]) if arguments else 300.0, chosen)))

"""`make chaos`: break everything at random while tasks run, then check what was promised.

`python -m tests.chaos.run [seconds] [seed] [kills]`. The same seed makes the same choices; what
they hit depends on the machine's timing. With `kills`, nearly all faults are kills, many in a
second: the agents are forked from a process that has imported them.
"""

import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx

from steersman.adapters.gateway.keys import PATH
from steersman.adapters.postgres.embedded import DATABASE, start_embedded
from steersman.adapters.postgres.migrate import migrate
from steersman.adapters.postgres.pool import PostgresPool
from steersman.adapters.postgres.why import claim_facts
from steersman.core.ids import TaskId
from steersman.core.unclaimed import why_unclaimed
from tests.agent.bridge.signing import BOB, Signer, jwks
from tests.agent.e2e.processes import ROOT, environment
from tests.agent.support.redis_server import free_port
from tests.agent.support.small_http import answering
from tests.chaos.invariants import broken
from tests.chaos.leftovers import still_held
from tests.chaos.orders import SHOP_VARIABLE, taking_orders
from tests.chaos.people import People
from tests.chaos.proxy import fault_proxy
from tests.chaos.scorecard import errors, evidence, scorecard, tail, too_little
from tests.chaos.servers import Agent, Agents, Database, RedisProcess, Startable, start_program
from tests.chaos.story import cassette
from tests.chaos.stranger import Stranger
from tests.chaos.witness import install_witness
from tests.chaos.world import LEASE_SECONDS, World
from tests.chaos.zygote import Zygote

AGENTS = 3
CATCH_UP_SECONDS = 90
_TOKEN = "of-the-people"


async def chaos(seconds: float, seed: int, *, many_kills: bool = False) -> int:
    """Run, check, print the scorecard; return 1 if anything was broken."""
    wrong, lines = await play(seconds, seed, many_kills=many_kills)
    print(f"chaos, seed {seed}{', mostly kills' if many_kills else ''}")
    print("\n".join(lines))
    print("\n".join(f"BROKEN  {what}" for what in wrong) or "every invariant holds")
    return 1 if wrong else 0


async def play(
    seconds: float, seed: int, *, many_kills: bool = False
) -> tuple[list[str], list[str]]:
    """Run and check; return what was broken, and the scorecard."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steersman-chaos-")))
        launch = start_program
        if many_kills:
            zygote = Zygote()
            stack.callback(zygote.close)
            launch = zygote.start
        world = await _world(home, seed, stack, launch)
        if many_kills:
            world.pause, world.kills_weigh = (0.05, 0.4), 400
        began = time.monotonic()
        until = began + seconds
        try:
            async with asyncio.timeout(seconds + CATCH_UP_SECONDS):
                await world.live_through(until)
        except TimeoutError:
            return await _unfinished(world), []
        caught_up = time.monotonic() - until
        codes = await world.agents.end()
        connection = await asyncpg.connect(world.dsn)
        wrong = await _judged(world, connection, home)
        for code, member in zip(codes, world.agents.members, strict=True):
            wrong += [f"exit code {code}: {tail(member.log, 400)}"] if code else []
            wrong += [f"an agent's error: {line}" for line in errors(member.log)]
        wrong += evidence(wrong, world)
        lines = await scorecard(world, connection, seconds=seconds, caught_up=caught_up)
        await connection.close()
    return wrong, lines


async def _judged(
    world: World, connection: "asyncpg.Connection[asyncpg.Record]", home: Path
) -> list[str]:
    seen = {
        "I7 copies that differ": world.different,
        "I8 copies ahead": world.ahead,
        "I14 answers that gave something away": world.stranger.shown,
    }
    return [
        *await broken(
            connection,
            acknowledged=world.people.acknowledged,
            watchers=world.people.watchers,
            workspaces=home / "workspaces/local",
            orders=world.orders,
        ),
        *(f"{name}: {count}" for name, count in seen.items() if count),
        *(f"I15 held lock: {lock}" for lock in await still_held(home)),
        *too_little(world),
    ]


async def _unfinished(world: World) -> list[str]:
    """Say of each task that has not ended why nobody takes it, or who has it."""
    pool = await PostgresPool.open(world.dsn, size=1)
    rows = await pool.fetch("SELECT id FROM tasks WHERE NOT final")
    facts = [await claim_facts(pool, TaskId(str(row["id"]))) for row in rows]
    await pool.close()
    said = [f"I11 {one.task_id} has not ended: {why_unclaimed(one).reason}" for one in facts]
    said = said or ["a watcher or a sender has not ended, though every task has"]
    return said + [f"an agent's last words: {tail(one.log)}" for one in world.agents.members]


async def _world(home: Path, seed: int, stack: AsyncExitStack, launch: Startable) -> World:
    numbers = random.Random(seed)
    database = Database(home / "postgres", await start_embedded(home / "postgres"))
    stack.push_async_callback(asyncio.to_thread, lambda: database.server.close())
    dsn = database.server.dsn()
    await _prepare(dsn)
    proxy = await stack.enter_async_context(
        fault_proxy(database.sockets, home / "proxy", random.Random(seed + 1))
    )
    proxy.lose_answers = 0.002
    redis = RedisProcess(free_port())
    redis.start()
    stack.callback(redis.kill)
    gateway = Signer()
    gateway_url = await stack.enter_async_context(answering({PATH: (200, jwks(gateway))}))
    orders, shop = await stack.enter_async_context(taking_orders(random.Random(seed + 3)))
    env = _environment(home, redis_url=f"redis://127.0.0.1:{redis.port}", gateway_url=gateway_url)
    env[SHOP_VARIABLE] = shop
    members = [Agent(free_port(), env, home / f"agent-{n}.log", launch) for n in range(AGENTS)]
    agents = Agents(members)
    stack.callback(lambda: [member.process and member.process.kill() for member in members])
    await agents.start()
    url = partial(agents.url, numbers)
    people = People(await stack.enter_async_context(_client(_TOKEN)), url, numbers)
    others = await stack.enter_async_context(_client(gateway.token(BOB, exp=2**32)))
    stranger = Stranger(others, url, random.Random(seed + 2), people.tasks)
    return World(numbers, database, proxy, redis, agents, people, stranger, orders, dsn)


async def _prepare(dsn: str) -> None:
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    await install_witness(connection)
    await connection.close()


def _environment(home: Path, **urls: str) -> dict[str, str]:
    (home / "cassette.json").write_text(json.dumps(cassette()))
    shutil.copytree(ROOT / "prompts", home / "prompts")
    roles = home / "prompts/roles.toml"
    roles.write_text(roles.read_text().replace('"finish_task",', '"finish_task", "place_order",'))
    return environment(
        home,
        database_url=f"postgresql://postgres@/{DATABASE}?host={quote(str(home / 'proxy'))}",
        prompts=home / "prompts",
        model=f"scripted/{home / 'cassette.json'}",
        lease_seconds=LEASE_SECONDS,
        grace_seconds=5,
        approvals="write_file=always",
        api_token=_TOKEN,
        agent_key="not-asked-for",
        **urls,
    )


def _client(token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False)


def _end_on_signal(number: int, _frame: object) -> None:
    # So that everything that was started is ended, as after an error.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end_on_signal)
    arguments = sys.argv[1:]
    chosen = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6)
    duration = float(arguments[0]) if arguments else 300.0
    sys.exit(asyncio.run(chaos(duration, chosen, many_kills="kills" in arguments[2:])))

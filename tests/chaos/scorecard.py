"""What a run did and what came of it, as lines for people."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg

from steersman.core.text import head_and_tail
from tests.bench.figures import percentile
from tests.chaos.world import World

_WHERE_WE_STAND = """
SELECT count(*) FILTER (WHERE final) AS final, count(*) AS tasks, sum(version) AS events FROM tasks
"""
_TIMES = """
SELECT e.payload->>'reason' AS reason, extract(epoch FROM e.at - p.at) AS seconds
  FROM events e JOIN events p ON p.task_id = e.task_id AND p.seq = e.seq - 1
 WHERE e.type = 'task_claimed' AND e.payload->>'reason' = 'takeover'
"""


async def scorecard(
    world: World,
    connection: "asyncpg.Connection[asyncpg.Record]",
    *,
    seconds: float,
    caught_up: float,
) -> list[str]:
    stand = await connection.fetchrow(_WHERE_WE_STAND)
    takeovers = [float(row["seconds"]) for row in await connection.fetch(_TIMES)]
    unknown = await connection.fetchval(
        "SELECT count(*) FROM events WHERE payload->>'reason' = 'outcome_unknown'"
    )
    stops = await _stop_times(world, connection)
    assert stand is not None
    return [
        f"  {seconds:.0f} s: {stand['tasks']} tasks, {stand['final']} ended,"
        f" {stand['events']} events",
        f"  kills {world.agents.kills}, freezes {world.agents.freezes}, database crashes"
        f" {world.database.crashes}, silences {world.proxy.silences}, Redis kills"
        f" {world.redis.kills}, answers lost {world.proxy.lost}, connections cut"
        f" {world.proxy.cut}",
        f"  outcomes unknown {unknown}, commands accepted {_kinds(world)}",
        f"  a stranger got {world.stranger.asked} answers, {world.stranger.shown} too many;"
        f" watchers {len(world.people.watchers)} with"
        f" {sum(seen.resumes for seen in world.people.watchers)} resumes",
        f"  orders {len(world.orders.taken)}, asked for again {world.orders.repeated}",
        f"  copies sampled {world.samples}, ahead {world.ahead}; compared {world.compared}, "
        f"different {world.different}",
        f"  takeovers {len(takeovers)}: {_spread(takeovers)}; stops {len(stops)}: {_spread(stops)}",
        f"  caught up {caught_up:.1f} s after the last fault",
    ]


def too_little(world: World) -> list[str]:
    """Say what did not happen: a run without it has shown nothing about it."""
    happened = {
        "process was killed": world.agents.kills,
        "process was frozen": world.agents.freezes,
        "command was accepted": len(world.people.acknowledged),
        "decision was accepted": sum(
            one.kind in ("approve", "reject") for one in world.people.acknowledged
        ),
        "order was taken": len(world.orders.taken),
        "copy was compared": world.compared,
        "stranger was answered": world.stranger.asked,
    }
    return [f"too little happened: no {what}" for what, count in happened.items() if not count]


def errors(log: Path) -> list[str]:
    """Return what an agent logged as an error: nothing that is done to it here is one of its."""
    return [head_and_tail(line, 4_000) for line in _lines(log) if '"level": "error"' in line]


def evidence(wrong: Sequence[str], world: World) -> list[str]:
    """Return what the agents logged of the tasks that `wrong` names."""
    tasks = [task_id for task_id in world.people.tasks if any(task_id in what for what in wrong)]
    return [
        f"{member.log.stem}: {line[:500]}"
        for member in world.agents.members
        for line in _lines(member.log)
        if any(task_id in line for task_id in tasks)
    ]


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def _kinds(world: World) -> str:
    counts = Counter(one.kind for one in world.people.acknowledged)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return f"{counts.total()} ({kinds})"


async def _stop_times(
    world: World, connection: "asyncpg.Connection[asyncpg.Record]"
) -> list[float]:
    times: list[float] = []
    for command in world.people.acknowledged:
        if command.kind != "stop":
            continue
        at: datetime | None = await connection.fetchval(
            "SELECT at FROM events WHERE task_id = $1 AND type = 'task_stopped'", command.task_id
        )
        if at is not None:
            times.append(max(at.timestamp() - command.at, 0.0))
    return times


def tail(log: Path, lines: int = 3) -> str:
    return "\n".join(_lines(log)[-lines:])


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return f"p50 {percentile(values, 0.5):.2f} s, p99 {percentile(values, 0.99):.2f} s"

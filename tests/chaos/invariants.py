"""The invariants of docs/durability.md, each one query or one comparison over what is left."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from steersman.core.events import JsonObject, parse_envelope
from steersman.core.fold import fold
from steersman.core.view import task_view
from tests.chaos.effects import without_intent, wrong_effects, wrong_files, wrong_outcomes
from tests.chaos.orders import Orders, wrong_orders
from tests.chaos.people import Acknowledged, Seen
from tests.chaos.witness import committed_by_zombies

ANSWERS_ONCE = (
    "approval_decided",
    "command_refused",
    "message_added",
    "stop_requested",
    "task_paused",
    "task_resumed",
)

_GAPS = """
SELECT count(*) FROM tasks t
 WHERE t.version <> (SELECT count(*) FROM events e WHERE e.task_id = t.id)
    OR t.version <> (SELECT max(seq) FROM events e WHERE e.task_id = t.id)
"""
_EPOCHS_FALL = """
SELECT count(*) FROM (
  SELECT epoch < lag(epoch) OVER (PARTITION BY task_id ORDER BY seq) AS falls FROM events
) e WHERE falls
"""
_COMMITS_TWICE = """
SELECT count(*) FROM (
  SELECT commit_id FROM events GROUP BY commit_id
  HAVING count(DISTINCT task_id) > 1 OR count(DISTINCT epoch) > 1
      OR max(seq) - min(seq) + 1 <> count(*)
) c
"""
# A decision that was taken on the row is the one of the log, once; without one it was withdrawn.
_APPROVALS = """
SELECT count(*) FROM approvals a
 WHERE a.state <> coalesce(
   (SELECT string_agg(e.payload->>'decision', '+') FROM events e
     WHERE e.task_id = a.task_id AND e.type = 'approval_decided'
       AND e.payload->>'approval_id' = a.id::text), 'withdrawn')
"""
_OWNERS = """
SELECT (SELECT count(*) FROM tasks t JOIN conversations c ON c.id = t.conversation_id
         WHERE c.owner_id <> t.owner_id)
     + (SELECT count(*) FROM tasks t JOIN workspaces w ON w.id = t.workspace_id
         WHERE w.owner_id <> t.owner_id)
     + (SELECT count(*) FROM tasks t JOIN approvals a ON a.task_id = t.id
         WHERE a.owner_id <> t.owner_id)
     + (SELECT count(*) FROM tasks t JOIN commands c ON c.task_id = t.id
         WHERE c.owner_id <> t.owner_id)
"""
_NOT_FINAL = "SELECT count(*) FROM tasks WHERE NOT final"
_HELD = """
SELECT (SELECT count(*) FROM tasks WHERE worker_id IS NOT NULL AND final)
     + (SELECT count(*) FROM workspaces WHERE holder_task_id IS NOT NULL)
"""
_OLD_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity
 WHERE xact_start < now() - interval '10 seconds' AND datname = current_database()
   AND pid <> pg_backend_pid()
"""
_LOG = """
SELECT task_id::text, seq, epoch, type, command_id, payload, at
  FROM events ORDER BY task_id, seq
"""


async def broken(
    connection: "asyncpg.Connection[asyncpg.Record]",
    *,
    acknowledged: Sequence[Acknowledged],
    watchers: Sequence[Seen],
    workspaces: Path,
    orders: Orders,
) -> list[str]:
    """Return what does not hold, in words; [] is the only good answer."""
    logs = await _logs(connection)
    counts = {
        "I1 logs with gaps": await connection.fetchval(_GAPS),
        "I2 falling epochs": await connection.fetchval(_EPOCHS_FALL),
        "I3 commits that committed twice": await connection.fetchval(_COMMITS_TWICE),
        "I4 files that no log explains": wrong_files(logs, workspaces),
        "I4 keyed effects doubled or lost": wrong_orders(logs, orders),
        "I5 outcomes without intent": without_intent(logs),
        "I6 views that are not the fold": await _wrong_views(connection, logs),
        "I9 commits of an epoch that was over": await committed_by_zombies(connection),
        "I10 commands not answered once": _unanswered(logs, acknowledged),
        "I10 events after the end": _after_the_end(logs),
        "I10 approvals that rows and logs see differently": await connection.fetchval(_APPROVALS),
        "I11 tasks that did not end": await connection.fetchval(_NOT_FINAL),
        "I12 watchers that saw something else": _wrong_watchers(logs, watchers),
        "I13 wrong sums": _wrong_sums(logs),
        "I14 rows of two owners": await connection.fetchval(_OWNERS),
        "I15 held rows": await connection.fetchval(_HELD),
        "I15 old transactions": await connection.fetchval(_OLD_TRANSACTIONS),
        "calls without exactly one outcome": wrong_outcomes(logs),
    }
    return [
        *(f"I4 unsafe effects doubled or lost: {one}" for one in wrong_effects(logs, workspaces)),
        *(f"{name}: {count}" for name, count in counts.items() if count),
    ]


async def _logs(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, list[JsonObject]]:
    logs: dict[str, list[JsonObject]] = {}
    for row in await connection.fetch(_LOG):
        wire: dict[str, Any] = {
            "type": row["type"],
            "task_id": row["task_id"],
            "seq": row["seq"],
            "at": row["at"].isoformat(),
            "epoch": row["epoch"],
            "command_id": row["command_id"],
            **json.loads(row["payload"]),
        }
        logs.setdefault(row["task_id"], []).append(wire)
    return logs


async def _wrong_views(
    connection: "asyncpg.Connection[asyncpg.Record]", logs: dict[str, list[JsonObject]]
) -> int:
    rows = await connection.fetch("SELECT id::text, view FROM tasks")
    views = {row["id"]: json.loads(row["view"]) for row in rows}
    folded = {task_id: task_view(fold(map(parse_envelope, log))) for task_id, log in logs.items()}
    return sum(views[task_id] != json.loads(json.dumps(view)) for task_id, view in folded.items())


def _unanswered(logs: dict[str, list[JsonObject]], acknowledged: Sequence[Acknowledged]) -> int:
    answers = Counter(
        event["command_id"]
        for log in logs.values()
        for event in log
        if event["command_id"] and event["type"] in ANSWERS_ONCE
    )
    return sum(answers[command.command_id] != 1 for command in acknowledged)


def _after_the_end(logs: dict[str, list[JsonObject]]) -> int:
    final = ("task_completed", "task_failed", "task_stopped")
    return sum(event["type"] in final for log in logs.values() for event in log[:-1])


def _wrong_watchers(logs: dict[str, list[JsonObject]], watchers: Sequence[Seen]) -> int:
    return sum(seen.seqs != list(range(1, len(logs[seen.task_id]) + 1)) for seen in watchers)


def _wrong_sums(logs: dict[str, list[JsonObject]]) -> int:
    wrong = 0
    for log in logs.values():
        spent = task_view(fold(map(parse_envelope, log)))["spent"]
        usage = [event["usage"] for event in log if "usage" in event]
        sums = (sum(u["input_tokens"] for u in usage), sum(u["output_tokens"] for u in usage))
        wrong += sums != (spent["input_tokens"], spent["output_tokens"])
    return wrong

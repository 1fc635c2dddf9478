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
from tests.chaos.people import Acknowledged, Seen

OUTCOMES = ("action_succeeded", "action_failed", "action_interrupted")
ANSWERS_ONCE = ("message_added", "stop_requested", "command_refused")

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
) -> list[str]:
    """Return what does not hold, in words; [] is the only good answer."""
    logs = await _logs(connection)
    counts = {
        "I1 logs with gaps": await connection.fetchval(_GAPS),
        "I2 falling epochs": await connection.fetchval(_EPOCHS_FALL),
        "I3 commits that committed twice": await connection.fetchval(_COMMITS_TWICE),
        "I4 unsafe effects doubled or lost": _wrong_effects(logs, workspaces),
        "I5 outcomes without intent": _without_intent(logs),
        "I6 views that are not the fold": await _wrong_views(connection, logs),
        "I10 commands not answered once": _unanswered(logs, acknowledged),
        "I10 events after the end": _after_the_end(logs),
        "I11 tasks that did not end": await connection.fetchval(_NOT_FINAL),
        "I12 watchers that saw something else": _wrong_watchers(logs, watchers),
        "I13 wrong sums": _wrong_sums(logs),
        "I15 held rows": await connection.fetchval(_HELD),
        "I15 old transactions": await connection.fetchval(_OLD_TRANSACTIONS),
        "calls without exactly one outcome": _wrong_outcomes(logs),
    }
    return [f"{name}: {count}" for name, count in counts.items() if count]


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


def _wrong_effects(logs: dict[str, list[JsonObject]], workspaces: Path) -> int:
    """Count commands that left more lines outside than calls can answer for, or fewer."""
    wrong = 0
    for log in logs.values():
        commands = {
            action["action_id"]: action["arguments"].get("command", "")
            for event in log
            for action in event.get("actions", ())
        }
        path = workspaces / log[0]["workspace"] / "effects.log"
        effects = Counter[str](path.read_text().split() if path.exists() else ())
        for name in ("one", "two", "three"):
            mine = {a for a, command in commands.items() if f"echo {name}" in command}
            ended = [e for e in log if e.get("action_id") in mine and e["type"] in OUTCOMES]
            sure = sum(e["type"] == "action_succeeded" for e in ended)
            perhaps = sum(e["type"] == "action_interrupted" for e in ended)
            wrong += not sure <= effects[name] <= sure + perhaps
    return wrong


def _without_intent(logs: dict[str, list[JsonObject]]) -> int:
    count = 0
    for log in logs.values():
        begun: set[str] = set()
        for event in log:
            if event["type"] == "action_started":
                begun.add(event["action_id"])
            elif event["type"] == "action_succeeded" and event["tool"] in (
                "write_file",
                "execute_terminal_command",
            ):
                count += event["action_id"] not in begun
    return count


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


def _wrong_outcomes(logs: dict[str, list[JsonObject]]) -> int:
    wrong = 0
    for log in logs.values():
        calls = Counter(a["action_id"] for event in log for a in event.get("actions", ()))
        outcomes = Counter(e["action_id"] for e in log if e["type"] in OUTCOMES)
        wrong += calls != outcomes
    return wrong

"""What a task takes up: told as it is, and the same for each step however long the task is."""

import json
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from steersman.app.wiring import open_app
from steersman.core.events import JsonObject
from steersman.core.ids import LOCAL_OWNER, TaskId
from steersman.core.new_task import NewTask
from steersman.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STEPS = 515
# Of every table, rows as they are stored: compressed where they are, without indexes and gaps.
STORED = """
SELECT (SELECT sum(pg_column_size(e.*)) FROM events e WHERE task_id = $1)
     + (SELECT coalesce(sum(pg_column_size(bytes) + 100), 0) FROM artifacts WHERE task_id = $1)
     + (SELECT coalesce(sum(pg_column_size(i.*)), 0) FROM inbox i WHERE task_id = $1)
     + (SELECT sum(pg_column_size(c.*)) FROM commands c WHERE task_id = $1)
     + (SELECT pg_column_size(t.*) FROM tasks t WHERE id = $1)
"""
OF_STEPS = """
WITH numbered AS (
  SELECT seq, count(*) FILTER (WHERE type = 'thought_recorded') OVER (ORDER BY seq) AS step,
         pg_column_size(e.*) AS size
    FROM events e WHERE task_id = $1)
SELECT sum(size) / 20.0 FROM numbered WHERE step > $2 - 10 AND step <= $2 + 10
"""


def reply(step: int) -> JsonObject:
    """Look for something at most steps; at some write a page, at a few a long file."""
    if step == STEPS:
        call: JsonObject = {"tool": "finish_task", "arguments": {"result": "Done."}}
    elif step % 20 == 10:
        content = "\n".join(f"line {n} of step {step}" for n in range(700))
        call = {"tool": "write_file", "arguments": {"path": "long.txt", "content": content}}
    elif step % 5 == 2:
        content = "\n".join(f"{n} bottles, step {step}" for n in range(150))
        call = {"tool": "write_file", "arguments": {"path": "page.txt", "content": content}}
    else:
        call = {"tool": "search_files", "arguments": {"pattern": f"step {step}|line 7"}}
    return {"text": f"This is step {step}.", "calls": [call], "expect": ["(?s).*"]}


async def test_size_bytes_is_what_is_stored_and_steps_cost_the_same_at_the_end(
    tmp_path: Path, database_url: str
) -> None:
    cassette = tmp_path / "cassette.json"
    replies = [reply(step) for step in range(1, STEPS + 1)]
    cassette.write_text(json.dumps({"goal": "count", "replies": replies}))
    settings = Settings(
        home=tmp_path / "home",
        database_url=SecretStr(database_url),
        model=f"scripted/{cassette}",
        sandbox="none",
    )
    async with open_app(settings) as app:
        wish = NewTask(goal="count", limits={"max_steps": STEPS + 1})
        task_id = TaskId((await app.tasks.submit(wish, LOCAL_OWNER))["task_id"])
        async with app.work(task_id):
            async for _ in app.tasks.watch(task_id, LOCAL_OWNER):
                pass
        copy = await app.tasks.view(task_id, LOCAL_OWNER)
        await app.cache.forget(task_id)
        view = await app.tasks.view(task_id, LOCAL_OWNER)
    assert (view["state"], view["step"]) == ("completed", STEPS), view
    connection = await asyncpg.connect(database_url)
    try:
        stored = await connection.fetchval(STORED, task_id)
        early, late = [await connection.fetchval(OF_STEPS, task_id, at) for at in (50, 500)]
    finally:
        await connection.close()
    assert 0.9 < view["size_bytes"] / stored < 1.1
    assert copy["size_bytes"] == view["size_bytes"]
    assert 0.8 < late / early < 1.2

"""The judges of the chaos run: each of them notices what it is there for."""

import asyncio
import fcntl
import random
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from steersman.core.events import JsonObject
from tests.agent.postgres.making import Store, claimed, decision, opened
from tests.chaos.effects import possible_contents
from tests.chaos.leftovers import still_held
from tests.chaos.orders import Orders, wrong_orders
from tests.chaos.proxy import fault_proxy
from tests.chaos.stranger import Stranger
from tests.chaos.witness import committed_by_zombies, install_witness

_LATE = """
INSERT INTO events (task_id, seq, epoch, type, commit_id, payload, at)
SELECT id, version + 1, epoch - 1, 'message_added', gen_random_uuid(), '{}', now() FROM tasks
"""


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with opened(database_url) as store:
        await store.pool.run(install_witness)
        yield store


async def test_a_commit_in_its_own_epoch_is_no_zombies(store: Store) -> None:
    await store.journal().commit(decision(await claimed(store)))
    assert await store.pool.run(committed_by_zombies) == 0


async def test_a_commit_of_an_epoch_that_is_over_is_a_zombies(store: Store) -> None:
    await store.journal().commit(decision(await claimed(store)))
    await store.pool.fetch(_LATE)
    assert await store.pool.run(committed_by_zombies) == 1


async def test_what_the_witness_has_not_seen_counts_against_it(store: Store) -> None:
    await store.pool.fetch("ALTER TABLE events DISABLE TRIGGER witness")
    await store.journal().commit(decision(await claimed(store)))
    assert await store.pool.run(committed_by_zombies) == 1


def call(number: int, tool: str, **arguments: str) -> JsonObject:
    return {"action_id": str(number), "tool": tool, "arguments": arguments}


WRITE = call(1, "write_file", content="1\n")
EDIT = call(2, "edit_file", old_text="1\n", new_text="2\n")


def outcome(action: JsonObject, result: str, **more: str) -> JsonObject:
    known = {"action_id": action["action_id"], "tool": action["tool"]}
    return {"type": f"action_{result}", **known, **more}


@pytest.mark.parametrize(
    ("outcomes", "possible"),
    [
        ([outcome(WRITE, "succeeded")], {"1\n"}),
        ([outcome(WRITE, "succeeded"), outcome(EDIT, "succeeded")], {"2\n"}),
        ([outcome(WRITE, "failed", error="rejected")], {""}),
        ([outcome(WRITE, "interrupted")], {"", "1\n"}),
        ([outcome(WRITE, "succeeded"), outcome(EDIT, "interrupted")], {"1\n", "2\n"}),
        ([outcome(WRITE, "interrupted"), outcome(EDIT, "succeeded")], {"2\n"}),
        ([outcome(EDIT, "succeeded")], set()),
    ],
)
def test_a_file_is_what_its_calls_made_of_it(
    outcomes: list[JsonObject], possible: set[str]
) -> None:
    thought: JsonObject = {"type": "thought_recorded", "actions": [WRITE, EDIT]}
    assert possible_contents([thought, *outcomes]) == possible


@pytest.mark.parametrize(
    ("keys", "result", "wrong"),
    [
        (["a"], "succeeded", 0),
        (["a", "b"], "succeeded", 1),
        ([], "succeeded", 1),
        ([], "interrupted", 0),
        (["a"], "failed", 0),
        (["a", "b"], "interrupted", 1),
    ],
)
def test_an_order_is_taken_once(keys: list[str], result: str, wrong: int) -> None:
    order = call(1, "place_order", item="rope")
    orders = Orders(random.Random(1), dict.fromkeys(keys, ("t", "rope")))
    thought: JsonObject = {"type": "thought_recorded", "actions": [order]}
    assert wrong_orders({"t": [thought, outcome(order, result)]}, orders) == wrong


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (httpx.Response(404), (1, 0)),
        (httpx.Response(200, json={"items": []}), (1, 0)),
        (httpx.Response(200, json={"items": [{}]}), (1, 1)),
        (httpx.Response(200, json={"task_id": "x"}), (1, 1)),
        (httpx.Response(202, json={"state": "running"}), (1, 1)),
        (httpx.Response(409), (1, 1)),
        (httpx.Response(503), (0, 0)),
    ],
)
async def test_a_stranger_may_see_nothing(answer: httpx.Response, counts: tuple[int, int]) -> None:
    async with httpx.AsyncClient() as http:
        stranger = Stranger(http, str, random.Random(1), ())
        stranger.judge(answer)
    assert (stranger.asked, stranger.shown) == counts


async def test_a_lock_that_a_process_still_has_is_found(tmp_path: Path) -> None:
    for name in ("slots/0.lock", "state/a/alive", "state/a/lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with (tmp_path / "state/a/alive").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert await still_held(tmp_path, seconds=0) == ["state/a/alive"]
    assert await still_held(tmp_path, seconds=0) == []


async def test_what_is_said_in_a_silence_arrives_after_it() -> None:
    ended = asyncio.Event()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    with tempfile.TemporaryDirectory() as home:
        front = Path(home) / "front"
        echoing = await asyncio.start_unix_server(echo, f"{home}/.s.PGSQL.5432")
        async with echoing, fault_proxy(Path(home), front, random.Random(1)) as proxy:
            silence = asyncio.create_task(proxy.keep_silent(0.2))
            reader, writer = await asyncio.open_unix_connection(str(front / ".s.PGSQL.5432"))
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert silence.done()
            writer.close()
            await ended.wait()

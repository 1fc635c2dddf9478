"""Conversations of a real server: who waits, who is refused, who interrupts, what is deleted."""

import json
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import environment, serving, steersman, wait_for_state

pytestmark = pytest.mark.slow

FINAL = ("completed", "failed", "stopped")


@pytest.fixture
def env(home: Path, database_url: str, tmp_path: Path) -> dict[str, str]:
    """A model that looks around, asks a question and finishes when it is answered."""
    replies = [
        {
            "text": "I look, and ask.",
            "calls": [
                {"tool": "list_files"},
                {"tool": "ask_user", "arguments": {"question": "Which?"}},
            ],
        },
        {
            "text": "Done.",
            "calls": [{"tool": "finish_task", "arguments": {"result": "Done."}}],
            "expect": ["(?s).*"],
        },
    ]
    cassette = tmp_path / "cassette.json"
    cassette.write_text(json.dumps({"goal": "ask", "replies": replies}))
    model = f"scripted/{cassette}"
    return environment(home, database_url=database_url, model=model, sandbox="none")


def submit(url: str, conversation: str | None, on_busy: str = "enqueue") -> httpx.Response:
    body = {"goal": "ask", "on_busy": on_busy, "conversation_id": conversation}
    return httpx.post(f"{url}/tasks", json=body, timeout=20)


def answer(url: str, task_id: str) -> None:
    httpx.post(f"{url}/tasks/{task_id}/messages", json={"text": "This."}).raise_for_status()
    assert wait_for_state(url, task_id, FINAL)["state"] == "completed"


def test_tasks_of_a_conversation_wait_are_refused_interrupt_and_are_deleted(
    env: dict[str, str],
) -> None:
    with serving(env) as server:
        url = server.url
        first = submit(url, None).json()
        conversation = first["conversation_id"]
        wait_for_state(url, first["task_id"], ("waiting",))
        second = submit(url, conversation).json()
        refused = submit(url, conversation, "reject")
        assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
        urgent = submit(url, conversation, "interrupt").json()
        assert wait_for_state(url, first["task_id"], FINAL)["state"] == "stopped"
        wait_for_state(url, urgent["task_id"], ("waiting",))
        assert httpx.get(f"{url}/tasks/{second['task_id']}").json()["state"] == "queued"
        early = httpx.delete(f"{url}/tasks/{urgent['task_id']}")
        assert (early.status_code, early.json()["code"]) == (409, "task_running")
        answer(url, urgent["task_id"])
        wait_for_state(url, second["task_id"], ("waiting",))
        answer(url, second["task_id"])
        [listed] = httpx.get(f"{url}/conversations").json()["items"]
        assert (listed["conversation_id"], listed["task_count"]) == (conversation, 3)
        for task in (first, second, urgent):
            assert httpx.delete(f"{url}/tasks/{task['task_id']}").status_code == 204
        assert httpx.get(f"{url}/tasks/{second['task_id']}").status_code == 404
        assert httpx.get(f"{url}/conversations").json()["items"] == []


def test_over_a_websocket_as_over_http(env: dict[str, str]) -> None:
    with serving(env) as server:
        first = submit(server.url, None).json()
        wait_for_state(server.url, first["task_id"], ("waiting",))
        address = server.url.replace("http", "ws") + "/ws/chat"
        with connect(address, subprotocols=["steersman.v1.json"]) as socket:  # pyright: ignore[reportArgumentType]

            def ask(on_busy: str) -> JsonObject:
                wish = {"goal": "ask", "conversation_id": first["conversation_id"]}
                frame = {"type": "submit_task", "command_id": on_busy, "on_busy": on_busy, **wish}
                socket.send(json.dumps(frame))
                return json.loads(socket.recv(timeout=20))

            refused, accepted = ask("reject"), ask("interrupt")
        assert (refused["type"], refused["code"]) == ("error", "conversation_busy")
        assert (accepted["type"], accepted["command_id"]) == ("answer", "interrupt")
        assert wait_for_state(server.url, first["task_id"], FINAL)["state"] == "stopped"
        wait_for_state(server.url, accepted["task_id"], ("waiting",))


def test_from_the_command_line_at_a_server(env: dict[str, str]) -> None:
    with serving(env) as server:
        first = submit(server.url, None).json()
        wait_for_state(server.url, first["task_id"], ("waiting",))
        remote = {**env, "STEERSMAN_URL": server.url}
        suffix = first["conversation_id"][-8:]
        again = ("run", "ask", "--conversation", suffix, "--on-busy")
        refused = steersman(*again, "reject", env=remote)
        unknown = steersman(*again, "wait", env=remote)
        listed = steersman("conversations", env=remote)
        live = steersman("delete", first["task_id"], env=remote)
        answer(server.url, first["task_id"])
        deleted = steersman("delete", first["task_id"][-8:], "--json", env=remote)
        nothing = steersman("conversations", env=remote)
        pruned = steersman("prune", "--older-than", "30d", env=remote)
    assert (refused.returncode, refused.stderr) == (
        2,
        "steersman: The conversation has a running task. Wait, stop it, or send `on_busy`.\n",
    )
    assert unknown.returncode == 2
    assert "'wait' is not one of 'enqueue', 'reject', 'interrupt'" in unknown.stderr
    assert listed.stdout.splitlines()[1].startswith(f"{suffix}  busy")
    assert (live.returncode, live.stderr) == (
        2,
        "steersman: The task, or one that it gave to others, has not ended. Stop it first.\n",
    )
    assert json.loads(deleted.stdout) == {"deleted": first["task_id"]}
    assert nothing.stdout == "No conversations yet.\n"
    assert (pruned.returncode, pruned.stderr) == (
        2,
        "steersman: prune works on the store of this machine: unset STEERSMAN_URL\n",
    )


def test_pruning_from_the_command_line(env: dict[str, str], home: Path) -> None:
    with serving(env) as server:
        task_id = submit(server.url, None).json()["task_id"]
        wait_for_state(server.url, task_id, ("waiting",))
        answer(server.url, task_id)
        folders = [*(home / "state").iterdir(), *(home / "workspaces/local").iterdir()]
        assert len(folders) == 2
        young = steersman("prune", "--older-than", "1h", env=env)
        dry = steersman("prune", "--older-than", "0h", "--dry-run", "--json", env=env)
        assert httpx.get(f"{server.url}/tasks/{task_id}").status_code == 200
        old = steersman("prune", "--older-than", "0h", "--json", env=env)
    assert (old.returncode, old.stderr) == (0, "")
    assert young.stdout.startswith("Deleted 0 tasks (0 trees, 0 events, 0.0 kB) that ended before")
    would, (task, done) = json.loads(dry.stdout), map(json.loads, old.stdout.splitlines())
    assert (would["type"], would["tasks"]) == ("would_delete", 1)
    assert (task["type"], task["task_id"]) == ("task_deleted", task_id)
    assert (done["type"], done["events"], done["workspaces"]) == ("pruned", would["events"], 1)
    assert [folder for folder in folders if folder.exists()] == []


@pytest.mark.parametrize("age", ["30", "30x", "-1d", "", "1.5d", "99999999999d"])
def test_an_age_that_is_none_is_one_line(env: dict[str, str], age: str) -> None:
    done = steersman("prune", f"--older-than={age}", env=env)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"steersman: --older-than {age}")

"""A server that is not to be trusted: nothing that it sends acts on the terminal."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from steersman.core.events import JsonObject
from tests.agent.e2e.processes import STEERSMAN, environment
from tests.agent.support.terminal import terminal

pytestmark = pytest.mark.slow

EVIL = "\x1b]0;owned\x07\x9b31mx\u202ey\u3164z"
FIELDS = (
    *("task_id", "seq", "action_id", "approval_id", "step", "text", "goal", "role", "workspace"),
    *("conversation_id", "tool", "output", "error", "exit_code", "duration_ms", "code", "message"),
    *("retry_at", "reason", "by", "decision", "decided_by", "state", "step", "expires_at", "model"),
    *("result", "question", "created_at", "updated_at", "title", "attempt", "arguments_sha256"),
)
KINDS = (
    *("task_submitted", "thought_recorded", "model_call_failed", "approval_requested"),
    *("approval_decided", "question_asked", "message_added", "action_succeeded", "action_failed"),
    *("action_interrupted", "command_refused", "task_paused", "task_resumed", "stop_requested"),
    *("no_such_kind", "task_stopped"),
)


def evil(**honest: object) -> JsonObject:
    """Return an object whose every field is an attack, but for these."""
    return {
        **dict.fromkeys(FIELDS, EVIL),
        "arguments": {EVIL: EVIL},
        "actions": [{"action_id": "1", "tool": EVIL, "arguments": {"path": EVIL}}],
        "waiting_for": [EVIL],
        "spent": dict.fromkeys(("steps", "input_tokens", "cost_usd", "seconds"), EVIL),
        "error": None,
        **honest,
    }


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        stream = "/events" in self.path
        page = {"items": [evil(), evil()], "next_cursor": None}
        body = evil() if "/tasks/" in self.path else page
        if "health" in self.path:
            check = {"status": "ok", "detail": EVIL}
            body = {"status": "ok", "agent_status": "IDLE", "active_task": None, "capacity": 1}
            body |= {"active_tasks": [], "roles": [EVIL], "checks": {EVIL: check}}
        events = [evil(type=kind, seq=seq) for seq, kind in enumerate(KINDS, start=1)]
        events[KINDS.index("no_such_kind")]["type"] = EVIL
        delta = {"type": "delta", "epoch": EVIL, "step": EVIL, "offset": EVIL, "text": EVIL}
        frames = "".join(f"data: {json.dumps(wire)}\n\n" for wire in (delta, *events))
        content = (frames if stream else json.dumps(body)).encode()
        self.send_response(200)
        kind = "text/event-stream" if stream else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize(
    "arguments",
    [
        ("watch", "01997a3e-1111-7abc-8def-0123456789ab"),
        ("show", "01997a3e-1111-7abc-8def-0123456789ab"),
        ("tasks",),
        ("approvals", "--all"),
        ("conversations",),
        ("doctor",),
    ],
)
def test_what_a_server_sends_is_seen_and_never_obeyed(
    arguments: tuple[str, ...], url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    env = environment(tmp_path_factory.mktemp("home"), url=url)
    with terminal((STEERSMAN, *arguments), env, width=120) as shown:
        shown.end()
    assert [
        mark for mark in ("\x1b]", "\x07", "\x9b", "\u202e", "\u3164") if mark in shown.raw
    ] == []
    assert "␛]0;owned␇" in shown.text, shown.text
    assert "unexpected" not in shown.text

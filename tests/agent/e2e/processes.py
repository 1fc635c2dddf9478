"""`steersman` as a process of its own, on free ports and in a home of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from steersman.core.events import JsonObject

ROOT = Path(__file__).parents[3]
STEERSMAN = Path(sys.executable).with_name("steersman")
PATIENCE_SECONDS = 45.0


def environment(home: Path, **settings: object) -> dict[str, str]:
    """Return variables with these settings and no others of ours; None leaves one out."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("STEERSMAN_", "OPENAI_"))}
    given = {"home": home, "log_format": "json", **settings}
    ours = {f"STEERSMAN_{k.upper()}": str(v) for k, v in given.items() if v is not None}
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1", **ours}


def steersman(
    *arguments: str, env: Mapping[str, str], seconds: float = PATIENCE_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [STEERSMAN, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Serving:
    """A `steersman serve`. Its log is read as it comes; `lines` are its records."""

    def __init__(self, env: Mapping[str, str], *arguments: str) -> None:
        self.lines: list[JsonObject] = []
        self.text = ""
        self._grown = threading.Condition()
        self.process = subprocess.Popen(
            [STEERSMAN, "serve", *arguments],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Return its address, once it has one."""
        return str(self.wait_for(lambda line: line.get("action") == "serving")["url"])

    def wait_for(self, fits: Callable[[JsonObject], bool]) -> JsonObject:
        """Return the first record that fits, waiting for it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._grown:
            while True:
                if found := next((line for line in self.lines if fits(line)), None):
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or (not self._grown.wait(left) and left <= 0):
                    raise TimeoutError(self.text[-3000:])
                if not self._reader.is_alive() and self.process.poll() is not None:
                    raise RuntimeError(f"it ended: {self.text[-3000:]}")

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self, *, seconds: float = 30.0) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self) -> None:
        """Read the rest of its log."""
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            with self._grown:
                self.text += text
                self.lines.append(_record(text))
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()


@contextmanager
def serving(env: Mapping[str, str], *arguments: str) -> Iterator[Serving]:
    """Serve while the block runs, on a free port unless the arguments say which."""
    port = () if "--port" in arguments else ("--port", "0")
    server = Serving(env, *port, *arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
        server.close()


def events_of(url: str, task_id: str, **headers: str) -> list[JsonObject]:
    """Read a task's whole log by pages."""
    found: list[JsonObject] = []
    while True:
        answer = httpx.get(
            f"{url}/tasks/{task_id}/events",
            params={"after": len(found)},
            headers=headers,
        )
        page: JsonObject = answer.raise_for_status().json()
        found += page["events"]
        if not page["events"] or page["final"]:
            return found


def wait_for_state(url: str, task_id: str, states: Sequence[str]) -> JsonObject:
    """Poll a task until it is in one of the states; a server may be away meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    view: JsonObject = {}
    while time.monotonic() < deadline:
        try:
            view = httpx.get(f"{url}/tasks/{task_id}").raise_for_status().json()
        except httpx.HTTPError:
            view = {}
        if view.get("state") in states:
            return view
        time.sleep(0.05)
    raise TimeoutError(f"it is {view.get('state')!r}, not one of {states}: {view}")


def types_of(events: Sequence[JsonObject]) -> list[str]:
    """Return the types of events, in their order."""
    return [event["type"] for event in events]


def _record(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"message": text}
    return found if isinstance(found, dict) else {"message": text}

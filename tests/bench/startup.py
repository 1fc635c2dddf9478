"""How long people wait before anything happens: the help, and a server until it takes requests.

A start of the server includes its PostgreSQL, which the last one to leave stops.
"""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.agent.e2e.processes import STEERSMAN, environment
from tests.bench.figures import Section, median_and_max

_HELP_RUNS = 10
_SERVE_RUNS = 5
_MODEL_RUNS = 3
_HELP_MS = 400
_READY_MS = 3_000
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 60


async def measure() -> Section:
    """Start the program again and again."""
    return await asyncio.to_thread(_measure)


def _measure() -> Section:
    home = Path(tempfile.mkdtemp(prefix="steersman-bench-"))
    try:
        env = environment(home)
        _help(env)  # the first run compiles and reads files that all others find in memory
        help_runs = [_help(env) for _ in range(_HELP_RUNS)]
        first = _until_ready(env)
        warm = [_until_ready(env) for _ in range(_SERVE_RUNS)]
        model = {"STEERSMAN_MODEL": "openai/none", "STEERSMAN_MODEL_BASE_URL": "http://127.0.0.1:9"}
        with_model = [_until_ready({**env, **model}) for _ in range(_MODEL_RUNS)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures = (
        *median_and_max("steersman --help", help_runs, most=_HELP_MS),
        *median_and_max("serve until ready", warm, most=_READY_MS),
        *median_and_max("serve with a real model until ready", with_model, most=_READY_MS),
    )
    note = f"the very first start, which also makes the database: {first:,.0f} ms"
    return Section("startup", figures, (note,))


def _help(env: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([STEERSMAN, "--help"], env=env, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def _until_ready(env: Mapping[str, str]) -> float:
    """Return the milliseconds from the start to the first answer of /health/ready."""
    port = _free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [STEERSMAN, "serve", "--port", str(port)], env=env, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}/health/ready")
        return (time.perf_counter() - began) * 1000
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with httpx.Client() as client:
        while not _is_ready(client, url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not become ready")
            time.sleep(_LOOK_SECONDS)


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]

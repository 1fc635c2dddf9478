"""A service is kept up: real processes that end, hang, flood, and will not leave."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from steersman.app.up.program import KeptProgram, Program, kept_up, run_once
from steersman.core.errors import ConfigurationError

pytestmark = pytest.mark.slow


class Heard:
    """What services said; `line` waits for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._grown = asyncio.Event()

    def show(self, service: str, line: str) -> None:
        self.lines.append(line)
        self._grown.set()

    async def line(self, begins: str, count: int = 1) -> str:
        async with asyncio.timeout(20):
            while True:
                found = [line for line in self.lines if line.startswith(begins)]
                if len(found) >= count:
                    return found[count - 1]
                self._grown.clear()
                await self._grown.wait()


def python(code: str, **given: object) -> Program:
    return Program("it", (sys.executable, "-uc", code), **given)  # pyright: ignore[reportArgumentType]


SAY_PID = "import os, time; print('pid', os.getpid());"


async def test_what_is_killed_is_started_again() -> None:
    heard = Heard()
    async with kept_up(python(SAY_PID + "time.sleep(300)"), heard.show):
        first = int((await heard.line("pid")).split()[1])
        os.kill(first, signal.SIGKILL)
        assert "ended with SIGKILL; again in" in await heard.line("ended")
        second = int((await heard.line("pid", 2)).split()[1])
    assert not psutil.pid_exists(first)
    assert not psutil.pid_exists(second)


async def test_what_ends_at_once_is_started_more_and_more_seldom() -> None:
    heard = Heard()
    async with kept_up(python("raise SystemExit(7)"), heard.show):
        pauses = [float((await heard.line("ended", n)).split()[-2]) for n in (1, 2, 3)]
    assert all(0.25 * 2**n <= pause <= 0.5 * 2**n + 0.05 for n, pause in enumerate(pauses))


async def test_what_cannot_run_as_it_is_configured_is_given_up() -> None:
    kept = KeptProgram(python("print('no'); raise SystemExit(2)"), Heard().show)
    with pytest.raises(ConfigurationError, match="it cannot run as it is configured"):
        await kept.running
    await kept.close()


async def test_what_does_not_leave_in_its_grace_is_ended_with_what_it_started() -> None:
    heard = Heard()
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '300']); print('pid', child.pid); child.wait()"
    )
    async with kept_up(python(code, grace_seconds=0.3), heard.show):
        child = psutil.Process(int((await heard.line("pid")).split()[1]))
    await asyncio.to_thread(psutil.wait_procs, [child], 5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


async def test_an_end_during_the_pause_starts_nothing_again() -> None:
    heard = Heard()
    async with kept_up(python("print('begun')"), heard.show):
        await heard.line("ended", 3)
    assert heard.lines.count("begun") == 3


async def test_it_is_ready_when_it_answers(tmp_path: Path) -> None:
    heard = Heard()
    code = (
        "import http.server, time; time.sleep(0.3);"
        "s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
        "print('port', s.server_port); s.serve_forever()"
    )
    async with kept_up(python(code), heard.show):
        port = int((await heard.line("port")).split()[1])
    server = f"http.server {port} --bind 127.0.0.1 --directory {tmp_path}"
    command = (sys.executable, "-um", *server.split())
    service = Program("it", command, ready_url=f"http://127.0.0.1:{port}/")
    async with kept_up(service, heard.show) as kept:
        await asyncio.wait_for(kept.ready.wait(), 20)
    assert "ready" in heard.lines


async def test_a_line_without_end_comes_in_pieces_and_broken_text_is_shown() -> None:
    heard = Heard()
    code = "import sys; sys.stdout.buffer.write(b'x' * 200_000 + b'\\n\\xff\\nlast')"
    async with kept_up(python(code), heard.show):
        await heard.line("last")
    assert sum(len(line) for line in heard.lines if line.startswith("x")) == 200_000
    assert "\ufffd" in heard.lines


async def test_a_command_that_fails_says_how() -> None:
    with pytest.raises(ConfigurationError, match=r"it: `false` failed with exit code 1"):
        await run_once("it", ("false",), Heard().show)


async def test_services_end_with_us_though_nobody_could_end_them() -> None:
    code = (
        "import asyncio\n"
        "from steersman.app.up.program import Program, kept_up\n"
        "async def main():\n"
        "    async with kept_up(Program('it', ('sleep', '300')), lambda *_: None) as kept:\n"
        "        while kept._process is None: await asyncio.sleep(0.01)\n"
        "        print('pid', kept._process.pid, flush=True)\n"
        "        await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    ours = await asyncio.create_subprocess_exec(
        sys.executable, "-uc", code, stdout=asyncio.subprocess.PIPE
    )
    assert ours.stdout is not None
    child = psutil.Process(int((await ours.stdout.readline()).split()[1]))
    ours.kill()
    await ours.wait()
    await asyncio.to_thread(psutil.wait_procs, [child], 5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

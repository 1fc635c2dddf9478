"""`steersman up` as people start it: everything comes up, comes back, and ends together."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.agent.e2e.conftest import home as home
from tests.agent.e2e.processes import STEERSMAN
from tests.agent.e2e.test_readme import examples
from tests.agent.up.running import PATIENCE_SECONDS, here, up

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]


def without_dotnet(env: dict[str, str], folder: Path) -> dict[str, str]:
    """Let no dotnet be found, but the programs that are needed."""
    folder.mkdir()
    for name in ("git", "bash", "setpriv", "redis-server"):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return {**env, "PATH": str(folder)}


def wait_for_answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_without_dotnet_the_agent_answers_by_itself(home: Path, tmp_path: Path) -> None:
    with up(without_dotnet(here(home), tmp_path / "bin")) as system:
        system.wait_until_up()
        assert (
            wait_for_answer(f"{system.url}/health").json()["checks"]["database"]["status"] == "ok"
        )
        notes = [line["message"] for line in system.lines if line["service"] == "steersman"]
        assert system.end() == 0
    assert any("left out: the gateway (dotnet is not installed)" in note for note in notes)


def test_it_says_the_address_that_it_listens_on(home: Path, tmp_path: Path) -> None:
    with up(without_dotnet(here(home, host="::1"), tmp_path / "bin")) as system:
        told = system.wait_for(lambda line: line["message"].startswith("Steersman is up: "))
        address = told["message"].removeprefix("Steersman is up: ")
        assert address.startswith("http://[::1]:")
        wait_for_answer(f"{address}/health/ready")


def test_what_crashes_comes_back_and_ctrl_c_ends_all_of_it(home: Path, tmp_path: Path) -> None:
    with up(without_dotnet(here(home), tmp_path / "bin")) as system:
        system.wait_until_up()
        agent, postgres = system.child("serve"), _postmaster(home)
        for process in (agent, postgres):
            seen = len(system.lines)
            process.kill()
            name = "agent" if process is agent else "database"
            system.wait_for(
                lambda line, n=name: (line["service"], line["message"]) == (n, "ready"), seen
            )
        wait_for_answer(f"{system.url}/health/ready")
        children = psutil.Process(system.process.pid).children(recursive=True)
        assert system.end() == 0
    assert not [child for child in children if child.is_running()]
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_what_cannot_start_is_told_and_ends_the_rest(home: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [STEERSMAN, "up", "--port", str(port)],
            env=without_dotnet(here(home), tmp_path / "bin"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stdout
    assert done.stderr == (
        "steersman: agent cannot run as it is configured; its last line says why\n"
    )
    assert not (home / "postgres" / "postmaster.pid").exists()


@pytest.mark.skipif(shutil.which("dotnet") is None, reason="dotnet is not installed")
def test_with_dotnet_a_first_user_signs_up_at_the_gateway_and_is_answered_by_the_agent(
    home: Path, tmp_path: Path
) -> None:
    with up(here(home)) as system:
        system.wait_until_up()
        told = system.wait_for(lambda line: "signs up with the code" in line["message"])
        code = told["message"].rsplit(" ", 1)[1]
        _sign_up(system.url, code, tmp_path)
        cookie = (tmp_path / "cookies").read_text().splitlines()[-1].split("\t")[-2:]
        with httpx.Client(base_url=system.url, timeout=20) as people:
            roles = people.get("/api/roles", headers={"Cookie": "=".join(cookie)})
        assert roles.status_code == 200, roles.text
        assert "developer" in {role["role"] for role in roles.json()["items"]}
        os.kill(system.child("Steersman.ApiGateway.dll").pid, signal.SIGKILL)
        wait_for_answer(f"{system.url}/health/ready")
        assert system.end() == 0


def _sign_up(url: str, code: str, folder: Path) -> None:
    """Sign up as the README says."""
    [line] = examples("localhost:8080")
    line = line.replace("localhost:8080", url.removeprefix("http://")).replace("…", code)
    line = line.replace("curl -s", "curl --fail-with-body -sS", 1)
    subprocess.run(["bash", "-c", line], cwd=folder, check=True, timeout=60)


def _postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n")[0]))

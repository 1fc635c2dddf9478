"""Commands as they are typed and piped: what they say, and with which exit code they end."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.agent.e2e.processes import STEERSMAN, environment, serving, steersman

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # up to a dozen processes each

NOBODY = 65_534


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    done = [{"tool": "finish_task", "arguments": {"result": "Done."}}]
    path = tmp_path / "cassette.json"
    replies = [{"text": "Done at once.", "calls": done}]
    path.write_text(json.dumps({"goal": "go", "replies": replies}))
    return path


@pytest.fixture
def env(home: Path, database_url: str, cassette: Path) -> dict[str, str]:
    return environment(
        home, database_url=database_url, model=f"scripted/{cassette}", sandbox="none"
    )


def ended(env: Mapping[str, str]) -> str:
    """Run a task to its end and return the end of its id."""
    done = steersman("run", "go", "--json", env=env)
    assert done.returncode == 0, done.stderr
    task_id: str = json.loads(done.stdout.splitlines()[0])["task_id"]
    return task_id[-8:]


def queued(env: Mapping[str, str]) -> str:
    """Submit a task where nobody works, and return the end of its id."""
    with serving({**env, "STEERSMAN_ROLES": "tester"}) as server:
        there = {**env, "STEERSMAN_URL": server.url}
        with subprocess.Popen(
            [STEERSMAN, "run", "go", "--json"], env=there, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            task_id: str = json.loads(running.stdout.readline())["task_id"]
            running.kill()
    return task_id[-8:]


def said(*arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    done = steersman(*arguments, env=env)
    return done.returncode, done.stdout or done.stderr


def test_an_answer_says_what_became_of_a_command(env: dict[str, str]) -> None:
    task = queued(env)
    assert said("pause", task, env=env) == (
        0,
        f"Paused. Let it go on with: steersman resume {task}\n",
    )
    assert said("pause", task, env=env) == (0, "Nothing changed: it was paused before.\n")
    listed = steersman("tasks", env=env).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["ID", "STATE"], [task, "paused"]]
    assert "   paused · conversation " in steersman("show", task, env=env).stdout
    assert said("resume", task, env=env) == (0, f"Resumed. Follow with: steersman watch {task}\n")
    assert said("resume", task, env=env) == (
        0,
        "Nothing changed: it was not paused, so there was nothing to resume.\n",
    )
    assert said("stop", task, env=env) == (0, "Stopped.\n")
    assert said("stop", task, env=env) == (0, "It had ended before: stopped.\n")


def test_a_task_that_has_ended_says_how_to_go_on(env: dict[str, str]) -> None:
    task = ended(env)
    code, text = said("say", task, "More.", env=env)
    conversation = json.loads(steersman("show", task, "--json", env=env).stdout)["conversation_id"]
    assert (code, text) == (
        2,
        'steersman: The task has ended. Go on with: steersman run "…" --conversation '
        f"{conversation[-8:]}\n",
    )


def test_a_state_that_does_not_exist_and_one_without_tasks(env: dict[str, str]) -> None:
    code, text = said("tasks", "--state", "bogus", env=env)
    assert (code, "'queued', 'running', 'waiting'" in text) == (2, True)
    states = ("--state", "failed", "--state", "stopped")
    assert said("tasks", *states, env=env) == (0, "No task is failed or stopped.\n")


def test_a_reader_that_has_enough_ends_a_listing_quietly(env: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [STEERSMAN, "tasks"],
        env=env,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this is no Linux")
def test_a_disk_that_is_full_is_one_line(env: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [STEERSMAN, "tasks"],
            env=env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    expected = (1, "steersman: stdout: No space left on device\n")
    assert (done.returncode, done.stderr) == expected


def test_what_is_piped_is_not_cut(env: dict[str, str], tmp_path: Path, cassette: Path) -> None:
    long = "x" * 300 + " end"
    write = [{"tool": "write_file", "arguments": {"path": "a.txt", "content": long}}]
    done = [{"tool": "finish_task", "arguments": {"result": "Done."}}]
    replies = [
        {"text": "I write.", "calls": write},
        {"text": "That was it.", "calls": done, "expect": ["(?s).*"]},
    ]
    cassette.write_text(json.dumps({"goal": "go", "replies": replies}))
    (tmp_path / "code").mkdir()
    shown = steersman("run", "go", "--workspace", str(tmp_path / "code"), env=env).stdout
    assert f"+ {long}\n" in shown


def test_a_terminal_without_unicode_gets_marks_in_ascii(env: dict[str, str]) -> None:
    shown = steersman("run", "go", env={**env, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    lines = shown.stdout.splitlines()
    assert [line for line in lines if "?" in line] == []
    assert {" * go", " | Completed", " | Done."} <= set(lines)


def test_a_home_that_is_a_file_is_named(env: dict[str, str], home: Path) -> None:
    file = home / "file"
    file.touch()
    there = {**env, "STEERSMAN_HOME": str(file)}
    reason = f"STEERSMAN_HOME={file}: File exists; set it to a directory of your own"
    assert said("tasks", env=there) == (2, f"steersman: {reason}\n")
    code, text = said("doctor", env=there)
    assert (code, f" ✗ home      STEERSMAN_HOME={file}: File exists" in text) == (1, True)
    assert "STEERSMAN_PORT" in text


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_what_somebody_may_not_use_is_named(env: dict[str, str], tmp_path: Path) -> None:
    closed, own = tmp_path / "closed", tmp_path / "own"
    closed.mkdir(mode=0o700)
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    setpriv = (shutil.which("setpriv") or "setpriv", "--reuid", "65534", "--clear-groups")

    def as_nobody(*arguments: str, home: Path) -> tuple[int, str]:
        # The folders above belong to root and are closed; to pass them is not what is tested.
        capable = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
        there = {**env, "STEERSMAN_HOME": str(home)}
        done = subprocess.run(
            [*setpriv, *capable, STEERSMAN, *arguments],
            env=there,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    assert as_nobody("tasks", home=closed) == (
        2,
        f"steersman: STEERSMAN_HOME={closed}: you may not write there; set it to a directory of"
        " your own\n",
    )
    assert as_nobody("run", "go", "--workspace", str(closed), home=own) == (
        2,
        f"steersman: --workspace {closed}: you may not read and write in this directory\n",
    )


def test_doctor_asks_the_server_that_is_used(env: dict[str, str], home: Path) -> None:
    with serving(env) as server:
        there = {**env, "STEERSMAN_URL": server.url, "STEERSMAN_HOME": str(home / "unused")}
        done = steersman("doctor", "--json", env=there)
        checks = json.loads(done.stdout)["checks"]
        assert checks["server"]["detail"].startswith(f"{server.url} works on 0 of ")
        assert checks["database"]["status"] == "ok"
        assert not (home / "unused").exists()
    code, text = said("doctor", env=there)
    assert (code, f" ✗ server    No answer from STEERSMAN_URL={server.url}" in text) == (1, True)


def test_a_model_that_a_server_would_not_use_is_refused(env: dict[str, str]) -> None:
    there = {**env, "STEERSMAN_URL": "http://127.0.0.1:1"}
    assert said("run", "go", "--model", "openai/x", env=there) == (
        2,
        "steersman: --model openai/x: the server of STEERSMAN_URL chooses the model\n",
    )

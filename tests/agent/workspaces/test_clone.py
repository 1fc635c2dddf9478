"""Commits of repositories that are served for real."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.adapters.git.clone import Bounds, Cloned, clone
from steersman.core.errors import Invalid, TooLarge
from tests.agent.workspaces.archives import tree
from tests.agent.workspaces.git_server import Served, git_daemon

pytestmark = pytest.mark.slow  # real processes and servers, seconds each


def keep_on() -> None:
    pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with git_daemon(tmp_path) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    target = tmp_path / "target"
    target.mkdir()
    return target


def files_of(target: Path) -> dict[str, bytes | str]:
    return {name: content for name, content in tree(target).items() if ".git" not in name}


def git_says(target: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=target, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_default_branch_is_a_clean_working_copy_without_its_past(
    served: Served, target: Path
) -> None:
    served.commit({"a.py": b"1\n"})
    served.commit({"a.py": b"2\n", "run": b"#!"})
    assert clone(served.url, None, target, keep_on) == Cloned(2, 4)
    assert files_of(target) == {"a.py": b"2\n", "run": b"#!"}
    assert git_says(target, "status", "--porcelain", "--branch") == "## trunk...origin/trunk"
    assert git_says(target, "rev-list", "--count", "HEAD") == "1"
    assert not (target / ".git" / "hooks").exists()


def test_a_branch_a_tag_and_a_full_id_are_found(
    served: Served, target: Path, tmp_path: Path
) -> None:
    first = served.commit({"a.py": b"1\n"})
    served.git("tag", "v1")
    served.git("branch", "feature/one")
    served.commit({"a.py": b"2\n"})
    found = []
    for number, ref in enumerate(("v1", "feature/one", first)):
        target = tmp_path / str(number)
        target.mkdir()
        clone(served.url, ref, target, keep_on)
        found.append((files_of(target), git_says(target, "status", "--porcelain")))
    assert found == [({"a.py": b"1\n"}, "")] * 3


@pytest.mark.parametrize("ref", ["nothing", "0" * 40, "abcdef1"])
def test_a_ref_that_is_not_there_is_said_in_one_line(
    served: Served, target: Path, ref: str
) -> None:
    served.commit({"a.py": b"1\n"})
    with pytest.raises(Invalid) as caught:
        clone(served.url, ref, target, keep_on)
    assert ref in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_repository_cannot_be_copied(served: Served, target: Path) -> None:
    with pytest.raises(Invalid, match="HEAD"):
        clone(served.url, None, target, keep_on)


@pytest.mark.parametrize(
    "url",
    [
        "git://127.0.0.1:1/shop",
        "http://127.0.0.1:1/shop",
        "http://user:secret@127.0.0.1:1/shop",
        "ssh://-oProxyCommand=x@127.0.0.1:1/shop",
        "http://[::1/shop",
    ],
)
def test_a_server_that_does_not_answer_is_said_in_one_line(url: str, target: Path) -> None:
    with pytest.raises(Invalid) as caught:
        clone(url, None, target, keep_on)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc", "/etc", "ext::sh -c true"])
def test_transports_that_read_this_disk_or_run_something_are_refused(
    url: str, target: Path
) -> None:
    with pytest.raises(Invalid):
        clone(url, None, target, keep_on)


def test_what_a_repository_holds_is_never_run(
    served: Served, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.commit(
        {
            ".gitattributes": b"* filter=evil\n",
            ".gitmodules": b'[submodule "s"]\n\tpath = s\n\turl = ext::sh -c "touch obeyed"\n',
            "a.py": b"1\n",
        }
    )
    run = f"touch {tmp_path}/obeyed; cat"
    config = tmp_path / ".gitconfig"
    for key in ("filter.evil.smudge", "core.fsmonitor", "init.templateDir", "core.sshCommand"):
        git_says(tmp_path, "config", "--file", str(config), key, run)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    clone(served.url, None, target, keep_on)
    assert files_of(target)["a.py"] == b"1\n"
    assert not (tmp_path / "obeyed").exists()
    git_says(target, "rm", "-q", "--cached", "a.py")
    git_says(target, "checkout", "-f", "HEAD", "--", "a.py")
    assert (tmp_path / "obeyed").exists(), "a git that obeys would have run it"


def test_a_link_that_leads_out_is_only_a_link(served: Served, target: Path) -> None:
    served.source.mkdir(exist_ok=True)
    (served.source / "passwd").symlink_to("/etc/passwd")
    served.commit({"a.py": b"1\n"})
    clone(served.url, None, target, keep_on)
    assert files_of(target)["passwd"] == "-> /etc/passwd"


@pytest.mark.parametrize(
    "bounds", [Bounds(files=2), Bounds(total_bytes=2_000_000), Bounds(packed_bytes=4096)]
)
def test_a_repository_that_is_too_large_is_refused_before_it_is_written(
    served: Served, target: Path, bounds: Bounds
) -> None:
    served.commit({"a": os.urandom(10_000), "b": bytes(3_000_000), "c": b""})
    with pytest.raises(TooLarge):
        clone(served.url, None, target, keep_on, bounds=bounds)
    assert files_of(target) == {}


def test_a_server_that_says_nothing_is_given_up(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/shop"
        begun = time.monotonic()
        with pytest.raises(Invalid, match="too slow"):
            clone(url, None, target, keep_on, bounds=Bounds(time=timedelta(seconds=0.3)))
        assert time.monotonic() - begun < 5


def test_a_clone_ends_when_it_is_no_longer_wanted(target: Path) -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Enough):
        clone(f"git://127.0.0.1:{silent.getsockname()[1]}/shop", None, target, stop)

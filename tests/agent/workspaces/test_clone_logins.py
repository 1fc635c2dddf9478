"""Logins in the addresses of repositories: used, and neither shown nor kept."""

from pathlib import Path

import pytest

from steersman.adapters.git.clone import Address, Cloned, clone
from steersman.core.errors import Invalid
from tests.agent.workspaces.git_server import LOGIN, git_daemon, http_server, redirecting


@pytest.mark.parametrize(
    ("url", "shown", "secrets"),
    [
        ("https://git.example.com/a", "https://git.example.com/a", ()),
        ("https://u:p%40w@git.example.com/a", "https://git.example.com/a", ("p%40w",)),
        ("https://token@git.example.com/a@b", "https://git.example.com/a@b", ("token",)),
        ("ssh://git@git.example.com/a", "ssh://git@git.example.com/a", ()),
        ("ssh://git:pass@git.example.com/a", "ssh://git@git.example.com/a", ("pass",)),
    ],
)
def test_a_login_is_told_from_the_address(url: str, shown: str, secrets: tuple[str, ...]) -> None:
    address = Address.of(url)
    assert (address.shown, address.secrets) == (shown, secrets)


def test_a_login_is_used_and_written_down_nowhere(tmp_path: Path) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    target.mkdir()
    other.mkdir()
    with git_daemon(tmp_path) as served, http_server(served.source) as address:
        served.commit({"a.py": b"1\n"})
        cloned = clone(f"http://{LOGIN}@{address}", None, target, lambda: None)
        with pytest.raises(Invalid, match="put a login into the URL"):
            clone(f"http://{address}", None, other, lambda: None)
    assert cloned == Cloned(1, 2)
    written = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert (address.encode() in written, b"ss-word" in written) == (True, False)


def test_a_login_of_few_letters_stays_in_the_words_that_hold_it() -> None:
    address = Address.of("https://a:pw@git.example.com/a")
    errors = "fatal: Authentication failed for 'https://a:pw@git.example.com/a'\n"
    assert address.explain(errors).startswith(
        "git could not copy https://git.example.com/a: Authentication failed for"
        " 'https://***@git.example.com/a'"
    )


@pytest.mark.slow
def test_a_server_does_not_lead_on_to_another_place(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with git_daemon(tmp_path) as served, http_server(served.source) as address:
        served.commit({"a.py": b"1\n"})
        with redirecting(f"http://{LOGIN}@{address}") as elsewhere, pytest.raises(Invalid):
            clone(f"http://{elsewhere}/shop", None, target, lambda: None)
    assert not (target / "a.py").exists()


def test_an_error_is_shown_without_the_login() -> None:
    address = Address.of("https://me:hunter2@git.example.com/a")
    errors = (
        "Cloning into '.'...\n"
        "fatal: Authentication failed for 'https://me:hunter2@git.example.com/a'\n"
    )
    assert address.explain(errors) == (
        "git could not copy https://git.example.com/a: Authentication failed for"
        " 'https://***@git.example.com/a'; put a login into the URL, or check it."
    )

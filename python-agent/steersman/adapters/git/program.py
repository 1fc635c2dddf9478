"""Run the git program so that it obeys nobody but us, and never for longer than it may.

No configuration but ours is read, no hook, filter, pager, editor or prompt is run. What a
repository or a workspace holds is content to git, not instructions.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL, SIGXFSZ
from typing import IO, cast

from steersman.core.errors import Unavailable

_SETTINGS = {
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "core.compression": "1",
    "credential.helper": "",
    "fastimport.unpackLimit": "1",
    "gc.autoDetach": "false",
    "gc.packRefs": "false",
    # A server could lead on to where only this machine may ask.
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "submodule.recurse": "false",
    "fetch.unpackLimit": "1",
    "init.defaultBranch": "main",
}
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "http:https:ssh:git",
    "GIT_ASKPASS": "false",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=15",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "SSH_ASKPASS": "false",
}
# How this machine reaches others; all else that git reads from its environment is left out.
_PASSED_ON = frozenset(
    {
        "PATH",
        "SSH_AUTH_SOCK",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "all_proxy",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "ALL_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    }
)


_BLOCK_BYTES = 512
"""The unit of `ulimit -f`."""

TOO_LARGE = "a file is larger than it may be"
_MOST_ERROR_BYTES = 10_000


class GitFailed(Exception):
    """Git could not do it. The message is what it wrote to stderr."""


class GitTimeout(GitFailed):
    """Git needed too long and was ended."""


class GitMissing(Unavailable):
    """The server has no git program. Install git on it."""


def is_installed() -> bool:
    """Say whether there is a git program."""
    return shutil.which("git") is not None


@dataclass(frozen=True, slots=True)
class Terms:
    """How git is run: how long at most, with which settings beside ours, and what it may write."""

    limit: timedelta
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    largest_file_bytes: int | None = None


@contextmanager
def started(
    arguments: Sequence[str],
    directory: Path,
    terms: Terms,
    *,
    output: IO[bytes] | int = subprocess.PIPE,
) -> Generator[subprocess.Popen[bytes]]:
    """Run git with open stdin and stdout; raises GitFailed at the end when it failed.

    At the limit, or when the block raises, it is killed with all its children.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(arguments, directory, terms, (output, errors))
        late = threading.Event()
        seconds = terms.limit.total_seconds()
        timer = threading.Timer(seconds, lambda: (late.set(), _kill(process)))
        timer.start()
        try:
            with suppress(BrokenPipeError):  # git ended early; its exit code says why
                yield process
                _close(process.stdin)
            process.wait()
        finally:
            timer.cancel()
            _end(process)
        if late.is_set():
            raise GitTimeout(f"it needed more than {seconds:.0f} seconds")
        if process.returncode == -SIGXFSZ:
            raise GitFailed(TOO_LARGE)
        if process.returncode != 0:
            errors.seek(0)
            raise GitFailed(errors.read(_MOST_ERROR_BYTES).decode(errors="replace").strip())


def run(arguments: Sequence[str], directory: Path, terms: Terms) -> bytes:
    """Run git and return what it wrote; raises GitFailed."""
    with started(arguments, directory, terms) as process:
        return cast(IO[bytes], process.stdout).read()


def _start(
    arguments: Sequence[str],
    directory: Path,
    terms: Terms,
    outputs: tuple[IO[bytes] | int, IO[bytes]],
) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    if not is_installed():
        raise GitMissing
    return subprocess.Popen(
        [*_limiting(terms.largest_file_bytes), "git", *arguments],
        cwd=directory,
        env=environment | _ENVIRONMENT | _configuration({**_SETTINGS, **terms.settings}),
        stdin=subprocess.PIPE,
        stdout=outputs[0],
        stderr=outputs[1],
        start_new_session=True,
    )


def _limiting(largest_file_bytes: int | None) -> tuple[str, ...]:
    if largest_file_bytes is None:
        return ()
    return ("sh", "-c", 'ulimit -f "$0" && exec "$@"', str(largest_file_bytes // _BLOCK_BYTES))


def _configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Give settings by the environment, where nobody else on the machine can read them."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    process.wait()
    _close(process.stdin)
    _close(process.stdout)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # After the end its id may be another's.
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()

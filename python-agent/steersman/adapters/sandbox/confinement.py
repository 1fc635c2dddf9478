"""What stands between a command and the machine: bubblewrap, or nothing by choice."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steersman.adapters.sandbox.launcher.order import FILTER_FD, LOCK_FD, STATUS_FD
from steersman.adapters.sandbox.repository import Repository, repository_of
from steersman.adapters.sandbox.system_calls import system_call_filter

SHELL = "/bin/bash"
WORKSPACE = "/workspace"
_UID = "1000"
_TMP_BYTES = 512 * 1024 * 1024
_SHM_BYTES = 64 * 1024 * 1024
_OWN_ETC = Path(__file__).parent / "etc"
_ETC = (
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Confinement:
    """How to start a shell command in `workspace`: what goes before it, where, its variables.

    `reports_status`: the prefix is bwrap's, which says whether the sandbox stood. `system_calls` is
    the filter that bwrap is to apply; empty: there is none. `repository` is what is held of git's.
    """

    prefix: tuple[str, ...]
    workspace: Path
    directory: Path
    environment: Mapping[str, str]
    reports_status: bool
    system_calls: bytes = b""
    repository: Repository = field(default_factory=Repository)

    def argv(self, command: str) -> list[str]:
        """Return what to execute."""
        return [*self.prefix, SHELL, "-c", command]


def bubblewrap(directory: Path, program: str, *, machine: str | None = None) -> Confinement:
    """Confine a command to `directory`, which it sees as /workspace, by bubblewrap 0.8 or newer.

    `machine` is what `uname -m` says here. On one that we know no system calls of all are allowed.
    """
    system_calls = system_call_filter(machine or platform.machine()) or b""
    refused = ("--seccomp", str(FILTER_FD)) if system_calls else ()
    repository = repository_of(directory, WORKSPACE)
    places = (*_system(), *_private(), *_workspace(directory, repository))
    prefix = (program, *_namespaces(), *refused, *places, "--")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",
        "USER": "agent",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    return Confinement(
        prefix=prefix,
        workspace=directory,
        directory=Path("/"),
        environment=environment,
        reports_status=True,
        system_calls=system_calls,
        repository=repository,
    )


def unconfined(directory: Path, state: Path) -> Confinement:
    """Run a command as this user in `directory`, with this process's PATH and no other variable."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state / "home"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    return Confinement((), directory, directory, environment, reports_status=False)


def find_bubblewrap() -> str | None:
    """Return where bubblewrap is, if it is installed."""
    return shutil.which("bwrap")


def _namespaces() -> tuple[str, ...]:
    # A uid of its own and no further user namespaces: most ways out of a sandbox begin with one.
    spaces = ("user", "ipc", "pid", "net", "uts")
    return (
        *(f"--unshare-{space}" for space in spaces),
        *("--unshare-cgroup-try", "--disable-userns", "--uid", _UID, "--gid", _UID),
        *("--hostname", "sandbox", "--cap-drop", "ALL", "--new-session", "--die-with-parent"),
        # The namespace's first process keeps `alive` taken; the command does not get it.
        *("--sync-fd", str(LOCK_FD), "--json-status-fd", str(STATUS_FD)),
    )


def _system() -> tuple[str, ...]:
    found = ["--ro-bind", "/usr", "/usr"]
    for name in _MERGED:
        path = Path("/", name)
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            found += ["--ro-bind", str(path), str(path)]
    for name in _ETC:
        found += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in ("passwd", "group", "gitconfig"):
        found += ["--ro-bind", str(_OWN_ETC / name), f"/etc/{name}"]
    return tuple(found)


def _private() -> tuple[str, ...]:
    return (
        # Read-only, because for root's commands the kernel's settings below /proc/sys are files
        # of their owner, and core_pattern runs programs outside of every namespace.
        *("--proc", "/proc", "--remount-ro", "/proc"),
        # The first process's descriptors are doors to files outside.
        *("--perms", "0555", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"),
        *("--dev", "/dev", "--size", str(_SHM_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm"),
        *("--remount-ro", "/dev"),
        *("--size", str(_TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp"),
        *("--dir", "/tmp/home"),
    )


def _workspace(directory: Path, repository: Repository) -> tuple[str, ...]:
    return (
        *("--bind", str(directory), WORKSPACE, *repository.mounts, "--remount-ro", "/"),
        *("--chdir", WORKSPACE),
    )

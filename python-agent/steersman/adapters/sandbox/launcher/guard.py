"""The guard: the command's parent, who ends everything if the launcher is killed."""

import fcntl
import os
import resource
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

from steersman.adapters.sandbox.launcher.order import FILTER_FD, LOCK_FD, STATUS_FD, Order
from steersman.adapters.sandbox.launcher.processes import (
    become_subreaper,
    end_descendants,
    tasks_of_user,
)
from steersman.adapters.sandbox.launcher.seclusion import leave_keyring, protect_devices
from steersman.adapters.sandbox.launcher.state import Lock

_NICE = 19
_CANNOT_EXECUTE = 127


_DEFAULTED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGPIPE, signal.SIGXFSZ),
)


class Guard(NamedTuple):
    """A guard as the launcher sees it: its pid and the ends of pipes that the launcher holds.

    `report` gives the exit code when the command has ended and nothing of it is left. The guard
    ends everything when `lifeline` closes.
    """

    pid: int
    output: int
    status: int
    report: int
    lifeline: int


class _Ends(NamedTuple):
    """The ends of the pipes that the guard and the command hold."""

    output: int
    status: int
    report: int
    lifeline: int


def start_guard(order: Order, lock: Lock) -> Guard:
    """Fork the guard, which starts the command."""
    output, output_end = os.pipe()
    status, status_end = os.pipe()
    report, report_end = os.pipe()
    lifeline_end, lifeline = os.pipe()
    ends = _Ends(output_end, status_end, report_end, lifeline_end)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(lifeline)
            _guard(order, lock, ends)
        finally:
            os._exit(1)
    for end in ends:
        os.close(end)
    return Guard(pid, output, status, report, lifeline)


def _guard(order: Order, lock: Lock, ends: _Ends) -> NoReturn:
    os.setsid()
    become_subreaper()
    # Ours keeps the agent's pipe open at 1 on purpose: its end tells the agent that all are gone.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    command = _start(order, lock, ends)
    os.close(ends.output)
    os.close(ends.status)
    exited = os.pidfd_open(command)
    ready, _, _ = select.select((exited, ends.lifeline), (), ())
    code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1]) if exited in ready else None
    end_descendants()
    if code is not None:
        # A shell says 128 + N for signal N; so does bwrap.
        os.write(ends.report, str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def _start(order: Order, lock: Lock, ends: _Ends) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _become(order, lock, ends)
        except OSError as error:
            os.write(2, f"{order.argv[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(_CANNOT_EXECUTE)
    return pid


def _become(order: Order, lock: Lock, ends: _Ends) -> NoReturn:
    os.setsid()
    leave_keyring()
    if order.reports_status:
        protect_devices()
    _arrange(lock, ends, bytes.fromhex(order.system_calls))
    _restrain(order)
    os.chdir(order.directory)
    arguments = [argument.encode(errors="replace") for argument in order.argv]
    os.execve(arguments[0], arguments, order.environment)


def _arrange(lock: Lock, ends: _Ends, system_calls: bytes) -> None:
    """Lay out the descriptors 0 to 5 and close all others, the launcher's pipes among them."""
    null = os.open(os.devnull, os.O_RDONLY)
    sources = (null, ends.output, ends.output, lock.alive, ends.status, _filled(system_calls))
    # First out of the way: a source may stand where another one has to go.
    above = [fcntl.fcntl(source, fcntl.F_DUPFD, len(sources)) for source in sources]
    for target, source in enumerate(above):
        os.dup2(source, target)
    assert (LOCK_FD, STATUS_FD, FILTER_FD) == (3, 4, 5), "the places in `sources`"
    kept = len(sources) if system_calls else FILTER_FD
    os.closerange(kept, os.sysconf("SC_OPEN_MAX"))


def _filled(content: bytes) -> int:
    """Return the end of a pipe from which `content` is read; it fits into the pipe."""
    end, start = os.pipe()
    os.write(start, content)
    os.close(start)
    return end


def _restrain(order: Order) -> None:
    """Be a polite process with default signals, the first one to go when memory is short."""
    for number in _DEFAULTED:
        signal.signal(number, signal.SIG_DFL)
    # What started the agent, a shell's background job for one, may have blocked or ignored some.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, order.file_bytes)
    if os.getuid() != 0:  # the kernel counts per user and never refuses root
        _limit(resource.RLIMIT_NPROC, tasks_of_user() + order.tasks)
    os.nice(_NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _limit(kind: int, value: int) -> None:
    most = resource.getrlimit(kind)[1]
    limit = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (limit, limit))

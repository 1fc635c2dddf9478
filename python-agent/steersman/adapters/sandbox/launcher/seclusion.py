"""What a command loses before bwrap starts, because bwrap has no option for it."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_CLONE_NEWNS = 0x2_0000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 1, 32, 4096, 16384, 1 << 19
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")


def leave_keyring() -> None:
    """Begin with an empty session keyring, not with that of whoever started the agent.

    Where this is refused (a container's own filter does) keys are out of reach anyway.
    """
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, _JOIN_SESSION_KEYRING, None)


def protect_devices() -> None:
    """See the machine's devices, of which bwrap hands in some, as files that are read-only.

    They can be used like that. Else a command of root's, who owns them, could change their modes
    for everybody. Root without the right to mount is in a container and has devices of its own.
    """
    if os.geteuid() != 0:
        return
    with suppress(PermissionError):
        _check(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS))
        _mount(None, "/", _MS_REC | _MS_SLAVE)
        for path in (Path("/dev", name) for name in _DEVICES):
            if path.exists():
                _mount(str(path), str(path), _MS_BIND)
                _mount(None, str(path), _MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def _mount(source: str | None, target: str, flags: int) -> None:
    origin = None if source is None else source.encode()
    mount = ctypes.CDLL(None, use_errno=True).mount
    _check(mount(origin, target.encode(), None, ctypes.c_ulong(flags), None))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

"""The system calls that a command in the sandbox is refused, and why each is.

Namespaces and mounts bound what a command can reach. What is left are calls that work through them:
that change what others see of a file, reach the sandbox's own first process, or use memory that
nobody counts. Everything else is allowed, because a list of what is good breaks ordinary programs.
"""

import errno
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from steersman.adapters.sandbox.bpf import (
    ALLOW,
    ARCHITECTURE,
    KILL,
    NUMBER,
    Program,
    high_word,
    low_word,
    refuse,
)

_X32_NUMBERS = 0x4000_0000
"""From here on x86-64 has a second table with other numbers for the same calls."""

_INIT = 1
_SET_ID = stat.S_ISUID | stat.S_ISGID
_MAKES_A_FILE = 0o100 | 0o20000000
"""O_CREAT and the kernel's own bit of O_TMPFILE; without them `open` has no mode."""

_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, of which the C library asks for addresses."""

_SHARED_BYTES = 64 * 1024
"""A segment of SysV. There are 4,096 at most; PostgreSQL needs one of 56 bytes."""


@dataclass(frozen=True, slots=True)
class _Bits:
    """Some of these bits are set in an argument."""

    argument: int
    mask: int

    def write(self, program: Program, holds: str, fails: str) -> None:
        program.load(low_word(self.argument))
        program.if_any_bit(self.mask, holds, fails)


@dataclass(frozen=True, slots=True)
class _Is:
    """An argument of 32 bits has this value."""

    argument: int
    value: int

    def write(self, program: Program, holds: str, fails: str) -> None:
        program.load(low_word(self.argument))
        program.if_equal(self.value, holds, fails)


@dataclass(frozen=True, slots=True)
class _IsNoneOf:
    """An argument of 32 bits has none of these values."""

    argument: int
    values: tuple[int, ...]

    def write(self, program: Program, holds: str, fails: str) -> None:
        program.load(low_word(self.argument))
        for value in self.values[:-1]:
            program.if_equal(value, fails)
        program.if_equal(self.values[-1], fails, holds)


@dataclass(frozen=True, slots=True)
class _Above:
    """An argument of 64 bits is more than this."""

    argument: int
    value: int

    def write(self, program: Program, holds: str, fails: str) -> None:
        program.load(high_word(self.argument))
        program.if_above(0, holds)
        program.load(low_word(self.argument))
        program.if_above(self.value, holds, fails)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A call that fails with `error` if all conditions hold. `on`: its number by machine."""

    on: Mapping[str, int]
    error: int
    conditions: tuple[_Bits | _Is | _IsNoneOf | _Above, ...] = ()


def _on(x86_64: int | None, aarch64: int | None) -> Mapping[str, int]:
    both = {"x86_64": x86_64, "aarch64": aarch64}
    return MappingProxyType({machine: n for machine, n in both.items() if n is not None})


_ARCHITECTURES = MappingProxyType({"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7})
_REFUSALS = (
    # A setuid program in the workspace would give every local user what the agent's user may.
    _Refusal(_on(90, None), errno.EPERM, (_Bits(1, _SET_ID),)),  # chmod
    _Refusal(_on(91, 52), errno.EPERM, (_Bits(1, _SET_ID),)),  # fchmod
    _Refusal(_on(268, 53), errno.EPERM, (_Bits(2, _SET_ID),)),  # fchmodat
    _Refusal(_on(452, 452), errno.EPERM, (_Bits(2, _SET_ID),)),  # fchmodat2
    _Refusal(_on(85, None), errno.EPERM, (_Bits(1, _SET_ID),)),  # creat
    _Refusal(_on(2, None), errno.EPERM, (_Bits(1, _MAKES_A_FILE), _Bits(2, _SET_ID))),  # open
    _Refusal(_on(257, 56), errno.EPERM, (_Bits(2, _MAKES_A_FILE), _Bits(3, _SET_ID))),  # openat
    _Refusal(_on(133, None), errno.EPERM, (_Bits(1, _SET_ID),)),  # mknod
    _Refusal(_on(259, 33), errno.EPERM, (_Bits(2, _SET_ID),)),  # mknodat
    # Their arguments are in memory, where a filter cannot look; programs do without.
    _Refusal(_on(437, 437), errno.ENOSYS),  # openat2
    _Refusal(_on(425, 425), errno.ENOSYS),  # io_uring_setup
    _Refusal(_on(426, 426), errno.ENOSYS),  # io_uring_enter
    _Refusal(_on(427, 427), errno.ENOSYS),  # io_uring_register
    # The first process holds a lock for us. Debuggers and leak checkers may trace all others.
    _Refusal(_on(101, 117), errno.EPERM, (_Is(1, _INIT),)),  # ptrace
    _Refusal(_on(310, 270), errno.EPERM, (_Is(0, _INIT),)),  # process_vm_readv
    _Refusal(_on(311, 271), errno.EPERM, (_Is(0, _INIT),)),  # process_vm_writev
    _Refusal(_on(438, 438), errno.EPERM),  # pidfd_getfd
    # Keys have no namespace: those of the agent's user are in reach.
    _Refusal(_on(248, 217), errno.EPERM),  # add_key
    _Refusal(_on(249, 218), errno.EPERM),  # request_key
    _Refusal(_on(250, 219), errno.EPERM),  # keyctl
    # Memory that belongs to no process, so that no limit sees it.
    _Refusal(_on(319, 279), errno.ENOSYS),  # memfd_create
    _Refusal(_on(447, 447), errno.ENOSYS),  # memfd_secret
    _Refusal(_on(29, 194), errno.ENOMEM, (_Above(1, _SHARED_BYTES),)),  # shmget
    _Refusal(_on(321, 280), errno.EPERM),  # bpf
    # A network namespace does not hold AF_VSOCK, by which a virtual machine reaches its host.
    _Refusal(_on(41, 198), errno.EAFNOSUPPORT, (_IsNoneOf(0, _FAMILIES),)),  # socket
    _Refusal(_on(53, 199), errno.EAFNOSUPPORT, (_IsNoneOf(0, _FAMILIES),)),  # socketpair
)


def system_call_filter(machine: str) -> bytes | None:
    """Return the program for bwrap's `--seccomp`; None for a machine whose numbers we lack.

    Programs for another architecture (of 32 bits on a machine of 64) are killed.
    """
    if machine not in _ARCHITECTURES:
        return None
    program = Program()
    program.load(ARCHITECTURE)
    program.if_equal(_ARCHITECTURES[machine], "ours")
    program.verdict(KILL)
    program.label("ours")
    program.load(NUMBER)
    program.if_at_least(_X32_NUMBERS, "", "one table")
    program.verdict(refuse(errno.ENOSYS))
    program.label("one table")
    for refusal in _REFUSALS:
        if machine in refusal.on:
            _write(program, refusal.on[machine], refusal)
    program.verdict(ALLOW)
    return program.assemble()


def _write(program: Program, number: int, refusal: _Refusal) -> None:
    program.if_equal(number, "", f"not {number}")
    for at, condition in enumerate(refusal.conditions):
        condition.write(program, f"{number}: {at} holds", f"{number} is harmless")
        program.label(f"{number}: {at} holds")
    program.verdict(refuse(refusal.error))
    program.label(f"{number} is harmless")
    if refusal.conditions:
        program.verdict(ALLOW)
    program.label(f"not {number}")

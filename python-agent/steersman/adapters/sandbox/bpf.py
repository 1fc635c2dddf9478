"""An assembler for the kernel's classic BPF, as much of it as a filter of system calls needs.

A program looks at one system call (its number, its architecture, its six arguments) and returns
what becomes of it. It can only jump forwards. https://www.kernel.org/doc/html/latest/
userspace-api/seccomp_filter.html
"""

import struct
from dataclasses import dataclass, field

_LOAD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_GREATER = 0x25
_JUMP_IF_GREATER_OR_EQUAL = 0x35
_JUMP_IF_ANY_BIT = 0x45
_RETURN = 0x06
_INSTRUCTION = struct.Struct("<HBBI")
_FARTHEST = 255

NUMBER = 0
ARCHITECTURE = 4

ALLOW = 0x7FFF_0000
KILL = 0x8000_0000


def low_word(argument: int) -> int:
    """Return where the lower 32 bits of an argument are, on a little-endian machine."""
    return 16 + 8 * argument


def high_word(argument: int) -> int:
    """Return where the upper 32 bits of an argument are."""
    return low_word(argument) + 4


def refuse(error: int) -> int:
    """Return the verdict that the call fails with an errno."""
    return 0x0005_0000 | error


@dataclass(frozen=True, slots=True)
class _Instruction:
    code: int
    value: int
    then: str = ""
    otherwise: str = ""


@dataclass(slots=True)
class Program:
    """Instructions in their order. A jump names labels; an empty one is the next instruction."""

    _instructions: list[_Instruction] = field(default_factory=list[_Instruction])
    _labels: dict[str, int] = field(default_factory=dict[str, int])

    def load(self, offset: int) -> None:
        """Take the 32 bits at `offset` of what is known of the call."""
        self._instructions.append(_Instruction(_LOAD, offset))

    def if_equal(self, value: int, then: str = "", otherwise: str = "") -> None:
        """Jump by whether what was loaded is `value`."""
        self._instructions.append(_Instruction(_JUMP_IF_EQUAL, value, then, otherwise))

    def if_above(self, value: int, then: str = "", otherwise: str = "") -> None:
        """Jump by whether it is more than `value`, without a sign."""
        self._instructions.append(_Instruction(_JUMP_IF_GREATER, value, then, otherwise))

    def if_at_least(self, value: int, then: str = "", otherwise: str = "") -> None:
        """Jump by whether it is `value` or more, without a sign."""
        self._instructions.append(_Instruction(_JUMP_IF_GREATER_OR_EQUAL, value, then, otherwise))

    def if_any_bit(self, mask: int, then: str = "", otherwise: str = "") -> None:
        """Jump by whether it has any bit of `mask`."""
        self._instructions.append(_Instruction(_JUMP_IF_ANY_BIT, mask, then, otherwise))

    def verdict(self, value: int) -> None:
        """Say what becomes of the call: ALLOW, KILL, or `refuse(errno)`."""
        self._instructions.append(_Instruction(_RETURN, value))

    def label(self, name: str) -> None:
        """Name the next instruction."""
        self._labels[name] = len(self._instructions)

    def assemble(self) -> bytes:
        """Return what the kernel takes."""
        return b"".join(self._encoded(at, each) for at, each in enumerate(self._instructions))

    def _encoded(self, at: int, instruction: _Instruction) -> bytes:
        then, otherwise = (
            self._distance(at, label) for label in (instruction.then, instruction.otherwise)
        )
        return _INSTRUCTION.pack(instruction.code, then, otherwise, instruction.value)

    def _distance(self, at: int, label: str) -> int:
        if not label:
            return 0
        distance = self._labels[label] - at - 1
        assert 0 <= distance <= _FARTHEST, label
        return distance

"""What a fault is: a rule of the protocol switched off by replacing exact texts of the source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that stands exactly once in a file of `python-agent/steersman`, and its replacement."""

    path: str
    text: str
    instead: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule switched off. `tests` are the pytest selections of which one must fail."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def fault(name: str, where: str, text: str, instead: str, *tests: str) -> Fault:
    """Make the usual fault: one text replaced."""
    return Fault(name, (Edit(where, text, instead),), tests)

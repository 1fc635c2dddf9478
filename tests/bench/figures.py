"""What a benchmark returns: figures, each beside the target that it is held against, if it has one.

A report is a table for people and JSON for programs, made of the same values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from steersman.core.events import JsonObject

Verdict = Literal["ok", "missed", "no target"]
_NAME_WIDTH = 46
_CELL_WIDTH = 40
_FEW = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `most` and `least` are its target: what it may be and must be.

    `statistic` tells the figures of one name apart, which are printed side by side: `p50`, `max`.
    """

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    statistic: str = ""

    @property
    def verdict(self) -> Verdict:
        """Say whether the target is reached."""
        if self.most is None and self.least is None:
            return "no target"
        too_much = self.most is not None and self.value > self.most
        too_little = self.least is not None and self.value < self.least
        return "missed" if too_much or too_little else "ok"

    @property
    def target(self) -> str:
        """Return the target as it is printed, with its verdict; empty when there is none."""
        bounds = (("≤", self.most), ("≥", self.least))
        given = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
        return " ".join([*given, self.verdict]) if given else ""

    @property
    def cell(self) -> str:
        """Return the value as it is printed, beside its target."""
        cell = f"{self.statistic:<6} {_number(self.value):>8} {self.unit}"
        return f"{cell}  {self.target}".rstrip()

    def to_json(self) -> JsonObject:
        """Return what a program compares from one run to the next."""
        bounds = {"most": self.most, "least": self.least}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        value = round(self.value, 4)
        return {
            "name": f"{self.name}, {self.statistic}" if self.statistic else self.name,
            "value": value,
            "unit": self.unit,
            **given,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Section:
    """The figures of one subject, and what a reader has to know of how they were made."""

    name: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """Yield the section as people read it."""
        yield f"{self.name} ({self.seconds:.0f} s)"
        yield from (f"  {note}" for note in self.notes)
        for name, figures in groupby(self.figures, key=lambda figure: figure.name):
            cells = "".join(f"{figure.cell:<{_CELL_WIDTH}}" for figure in figures)
            yield f"  {name:<{_NAME_WIDTH}} {cells}".rstrip()

    def to_json(self) -> JsonObject:
        """Return the section for programs."""
        return {
            "name": self.name,
            "seconds": round(self.seconds, 1),
            "notes": list(self.notes),
            "figures": [figure.to_json() for figure in self.figures],
        }


@dataclass(frozen=True, slots=True)
class Targets:
    """The most that the usual value and the worst may be; None: there is no target."""

    usual: float | None = None
    worst: float | None = None


NO_TARGETS = Targets()


def spread(
    name: str, values: Sequence[float], targets: Targets = NO_TARGETS, *, worst: float = 0.99
) -> tuple[Figure, Figure]:
    """Return the p50 and a high percentile of milliseconds."""
    values_of = ((0.5, targets.usual), (worst, targets.worst))
    p50, high = (
        Figure(name, percentile(values, share), "ms", most=most, statistic=f"p{share * 100:g}")
        for share, most in values_of
    )
    return p50, high


def median_and_max(
    name: str, values: Sequence[float], *, most: float | None = None
) -> tuple[Figure, Figure]:
    """Return the median and the worst of few milliseconds, held against one target."""
    name = f"{name}, {len(values)} times"
    return (
        Figure(name, percentile(values, 0.5), "ms", most=most, statistic="median"),
        Figure(name, max(values), "ms", most=most, statistic="max"),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < _FEW and value != int(value) else f"{value:,.0f}"

"""`make bench`: everything that is measured, each figure beside its target.

`make bench ONLY=stop` runs one section, `ONLY="startup commit"` several. The same as JSON goes to
`.reports/bench.json`. Machines are noisy: compare the figures of one run with each other.
"""

import gc
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.bench import (
    claims,
    command_overhead,
    commit_latency,
    gateway,
    recovery,
    startup,
    step_overhead,
    stops,
    watchers,
)
from tests.bench.figures import Section

SECTIONS: Mapping[str, Callable[[], Awaitable[Section]]] = {
    "startup": startup.measure,
    "steps": step_overhead.measure,
    "commit": commit_latency.measure,
    "claim": claims.measure,
    "watch": watchers.measure,
    "stop": stops.measure,
    "recovery": recovery.measure,
    "gateway": gateway.measure,
    "sandbox": command_overhead.measure,
}
_REPORT = Path(__file__).parents[2] / ".reports" / "bench.json"


def chosen(names: Sequence[str]) -> Sequence[str]:
    """Return the sections to run, all when none is named; raises SystemExit for unknown ones."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        sys.exit(f"there is no section {unknown[0]!r}; ONLY is some of: {' '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in names or not names]


def main(arguments: Sequence[str]) -> None:
    """Run the sections one after the other, each in an event loop of its own."""
    names = chosen(arguments)
    machine = _machine()
    print(machine, flush=True)
    sections: list[Section] = []
    for name in names:
        began = time.monotonic()
        # The loop of `steersman serve`, and what it does about collections.
        gc.freeze()
        section = uvloop.run(_awaited(SECTIONS[name]))
        sections.append(replace(section, seconds=time.monotonic() - began))
        print("\n" + "\n".join(sections[-1].lines()), flush=True)
    _write(machine, sections)
    print("\n" + verdict(sections))


def verdict(sections: Sequence[Section]) -> str:
    """Say in one line how many targets are reached, and which are not."""
    figures = [(section.name, figure) for section in sections for figure in section.figures]
    held = [figure for _, figure in figures if figure.verdict != "no target"]
    missed = [
        f"{section}: {figure.to_json()['name']}"
        for section, figure in figures
        if figure.verdict == "missed"
    ]
    reached = f"{len(held) - len(missed)} of {len(held)} targets are reached"
    return f"{reached}; missed: {', '.join(missed)}" if missed else reached


async def _awaited(measure: Callable[[], Awaitable[Section]]) -> Section:
    return await measure()


def _machine() -> str:
    load = os.getloadavg()[0]
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{at}, Python {platform.python_version()}, {platform.system()} {platform.release()}, "
        f"{os.cpu_count()} cores with everything on them, load {load:.1f} before"
    )


def _write(machine: str, sections: Sequence[Section]) -> None:
    report = {"machine": machine, "sections": [section.to_json() for section in sections]}
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""`make mutants`: put in one fault after the other and demand that a test notices each.

First the tests must pass without any fault. Then a fault counts as caught when a test judged it
(`witness.py` says what that is); an error on the way there, or a test that does not end, is no
verdict. `ONLY=fence` tries the faults whose names match that regular expression.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.agent.support.database import test_server
from tests.mutants.fault import Fault
from tests.mutants.faults import FAULTS
from tests.mutants.tree import SHARED, NotMutable, Seen, Tree

_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one fault. `caught_by` is None when no test noticed."""

    fault: Fault
    seconds: float
    caught_by: str | None
    otherwise: str


def main(only: str = "") -> int:
    """Print the table; return 0 when every fault was caught."""
    faults = [fault for fault in FAULTS if re.search(only, fault.name)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="steersman-mutants-") as folder:
        trees = SimpleQueue[Tree]()
        try:
            for number in range(_AT_ONCE):
                trees.put(Tree(Path(folder, str(number))))
            _require_green(trees, faults)
            with test_server(SHARED), ThreadPoolExecutor(_AT_ONCE) as pool:
                verdicts = _print_all(pool.map(lambda fault: _try(trees, fault), faults))
        except NotMutable as error:
            print(error, file=sys.stderr)
            return 2
    caught = sum(verdict.caught_by is not None for verdict in verdicts)
    minutes = (time.monotonic() - started) / 60
    print(f"{caught} of {len(faults)} faults caught in {minutes:.1f} minutes")
    return 0 if faults and caught == len(faults) else 1


def _require_green(trees: SimpleQueue[Tree], faults: Sequence[Fault]) -> None:
    tree = trees.get()
    tree.prove()
    selection = sorted({test for fault in faults for test in fault.tests})
    seen = tree.test(selection, "-n", str(_AT_ONCE))
    if seen.exit_code != 0:
        raise NotMutable(f"the tests fail without any fault:\n{seen.output[-4000:]}")
    trees.put(tree)


def _try(trees: SimpleQueue[Tree], fault: Fault) -> Verdict:
    tree, started = trees.get(), time.monotonic()
    try:
        with tree.having(fault):
            seen = tree.test(fault.tests)
    finally:
        trees.put(tree)
    caught_by = seen.judged[0] if seen.judged else None
    return Verdict(fault, time.monotonic() - started, caught_by, _otherwise(seen))


def _otherwise(seen: Seen) -> str:
    """Say why a fault that no test judged counts as not caught."""
    if seen.exit_code == 0:
        return "SURVIVED" if seen.passed else "NOT TRIED: its tests are skipped here"
    said = seen.errors[0] if seen.errors else seen.output.strip()[-300:]
    return f"NO VERDICT: {' '.join(said.split())[:300]}"


def _print_all(verdicts: Iterable[Verdict]) -> list[Verdict]:
    width = max(len(fault.name) for fault in FAULTS)
    print(f"{'fault':{width}}  seconds  caught by")
    shown: list[Verdict] = []
    for verdict in verdicts:
        by = verdict.caught_by or verdict.otherwise
        print(f"{verdict.fault.name:{width}}  {verdict.seconds:7.1f}  {by}", flush=True)
        shown.append(verdict)
    return shown


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

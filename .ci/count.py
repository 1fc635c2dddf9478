"""Print `N passed, N failed` over the JUnit reports in a folder; a test in two reports counts once.

Exits 1 when a test failed or when there was none.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

WORST_FIRST = ("failed", "passed", "skipped")


def outcome(case: ElementTree.Element) -> str:
    children = {child.tag for child in case}
    if children & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in children else "passed"


def outcomes(folder: Path) -> dict[tuple[str, str], str]:
    """Read each test's outcome, its worst where it ran more than once."""
    found: dict[tuple[str, str], str] = {}
    for report in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(report).iter("testcase"):
            key = (case.get("classname", ""), case.get("name", ""))
            found[key] = min(found.get(key, "skipped"), outcome(case), key=WORST_FIRST.index)
    return found


def main() -> int:
    values = list(outcomes(Path(sys.argv[1])).values())
    passed, failed, skipped = (values.count(name) for name in ("passed", "failed", "skipped"))
    line = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    sys.stdout.write(line + "\n")
    return 1 if failed or not values else 0


if __name__ == "__main__":
    sys.exit(main())

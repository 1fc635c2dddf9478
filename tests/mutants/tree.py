"""A copy of the project in which faults are put and tests are run. The checkout is not touched."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from steersman.core.events import JsonObject
from tests.mutants.fault import Edit, Fault
from tests.mutants.witness import VARIABLE

ROOT = Path(__file__).parents[2]
SHARED = f"mutants-{os.getpid()}"
"""The name of the database server that all runs share; each test has a database of its own."""

_SECONDS = 600
_PARTS = ("python-agent", "tests", "prompts", "examples", "pytest.toml")
_LEFT_OUT = shutil.ignore_patterns(
    ".venv", ".uv", "__pycache__", ".hypothesis", "node_modules", "bin", "obj"
)
_OPTIONS = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "-p",
    "tests.mutants.witness",
)


class NotMutable(Exception):
    """A fault does not fit the source, or the tests would not see it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run of tests came to. `errors` are failures in which no test judged."""

    exit_code: int
    passed: tuple[str, ...]
    judged: tuple[str, ...]
    errors: tuple[str, ...]
    output: str


class Tree:
    """A copy below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._times = count(int(time.time()) + 60, 60)
        for part in _PARTS:
            source, target = ROOT / part, root / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                root.mkdir(exist_ok=True)
                shutil.copy(source, target)

    def prove(self) -> None:
        """Raise NotMutable unless processes and tests take their code from this copy."""
        mark = Edit("__init__.py", '__version__ = "', '__version__ = "0+mutants.')
        program = Path(sys.executable).with_name("steersman")
        with self.having(Fault("a version of its own", (mark,), ())):
            told = self._run([program, "--version"]).stdout
        if "0+mutants." not in told:
            raise NotMutable(f"processes do not run the mutated code but {told.strip()}")

    @contextmanager
    def having(self, fault: Fault) -> Generator[None]:
        """Put a fault in while the block runs."""
        before = {edit.path: self._file(edit).read_text("utf-8") for edit in fault.edits}
        try:
            for edit in fault.edits:
                self._write(edit, changed(self._file(edit).read_text("utf-8"), edit))
            yield
        finally:
            for edit in fault.edits:
                self._write(edit, before[edit.path])

    def test(self, selection: Sequence[str], *options: str) -> Seen:
        """Run tests to the first failure. Raises NotMutable when they saw other code."""
        witness = self._root / "witness"
        witness.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", *_OPTIONS, *options, *selection]
        done = self._run(command, **{VARIABLE: str(witness)})
        lines: list[JsonObject] = []
        if witness.exists():
            lines = [json.loads(line) for line in witness.read_text("utf-8").splitlines()]
        if strangers := [line["stranger"] for line in lines if "stranger" in line]:
            raise NotMutable(f"the tests imported {strangers[0]}")
        failed = [line for line in lines if "error" in line]
        return Seen(
            exit_code=done.returncode,
            passed=tuple(line["test"] for line in lines if "passed" in line),
            judged=tuple(line["test"] for line in failed if line["judged"]),
            errors=tuple(line["error"] for line in failed if not line["judged"]),
            output=done.stdout + done.stderr,
        )

    def _run(
        self, command: Sequence[str | Path], **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join(str(part) for part in (self._root / "python-agent", self._root))
        return subprocess.run(
            command,
            cwd=self._root,
            env={**os.environ, "PYTHONPATH": path, "PYTEST_XDIST_TESTRUNUID": SHARED, **variables},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def _file(self, edit: Edit) -> Path:
        return self._root / "python-agent/steersman" / edit.path

    def _write(self, edit: Edit, text: str) -> None:
        """Write a file with a time that no compiled copy of it can have."""
        file, at = self._file(edit), next(self._times)
        file.write_text(text, "utf-8")
        os.utime(file, (at, at))


def changed(source: str, edit: Edit) -> str:
    """Return the source with an edit made. Raises NotMutable unless its text stands there once."""
    found = source.count(edit.text)
    if found != 1:
        raise NotMutable(f"{edit.path}: found {found} times, expected once: {edit.text!r}")
    return source.replace(edit.text, edit.instead)

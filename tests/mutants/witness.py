"""A pytest plugin that tells `run.py` which code was tested, and which tests judged it how.

`-p tests.mutants.witness`, with MUTANTS_WITNESS naming the file to write to, one JSON a line.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from steersman.core.errors import InboxMoved, LeaseLost, RequestError
from steersman.core.tool import ToolFailure

VARIABLE = "MUTANTS_WITNESS"
ROOT = Path(__file__).resolve().parents[2]


REFUSALS = (LeaseLost, InboxMoved, RequestError, ToolFailure)


def is_judgement(error: BaseException) -> bool:
    """Say whether a test judged: what it asserted was wrong, what it expected did not come.

    Or the program refused, in its own words, what the test says that it does. Anything else is an
    accident on the way.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(is_judgement(inner) for inner in error.exceptions)
    if isinstance(error, pytest.fail.Exception):
        return not str(error).startswith("Timeout")  # pytest-timeout ends a test by the same error
    return isinstance(error, (AssertionError, *REFUSALS))


def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> None:
    """Write down what each test came to."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, pytest.skip.Exception):
        return
    if error is not None:
        judged = call.when == "call" and is_judgement(error)
        _write({"test": item.nodeid, "judged": judged, "error": f"{type(error).__name__}: {error}"})
    elif call.when == "call":
        _write({"test": item.nodeid, "passed": True})


def pytest_sessionfinish() -> None:
    """Write down the tested modules that are not of this tree."""
    names = [name for name in sys.modules if name.partition(".")[0] == "steersman"]
    files = [Path(sys.modules[name].__file__ or "").resolve() for name in names]
    for file in files:
        if not file.is_relative_to(ROOT):
            _write({"stranger": str(file)})


def _write(line: Mapping[str, object]) -> None:
    with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")

"""The list of faults of `make mutants` fits the source, the tests and the documents."""

import ast

import pytest

from steersman.core.errors import LeaseLost, StoreUnavailable
from steersman.core.tool import ToolFailure
from tests.mutants.fault import Edit, Fault
from tests.mutants.faults import FAULTS
from tests.mutants.tree import ROOT, NotMutable, changed
from tests.mutants.witness import is_judgement


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_text_that_a_fault_replaces_stands_once_in_the_source(fault: Fault) -> None:
    for edit in fault.edits:
        source = (ROOT / "python-agent/steersman" / edit.path).read_text("utf-8")
        mutated = changed(source, edit)
        assert mutated != source
        if edit.path.endswith(".py"):
            ast.parse(mutated)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_tests_that_must_notice_a_fault_exist(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text("utf-8")


def test_each_fault_is_told_of_once() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    told = (ROOT / "docs/durability.md").read_text("utf-8")
    assert [name for name in names if f"| {name} |" not in told] == []


@pytest.mark.parametrize("text", ["x = 2", "x"])
def test_a_text_that_does_not_stand_there_once_is_refused(text: str) -> None:
    with pytest.raises(NotMutable, match="expected once"):
        changed("x = 1\nx = 1\n", Edit("core/x.py", text, "y"))


def test_only_a_test_that_judged_catches_a_fault() -> None:
    missing, late = pytest.fail.Exception("DID NOT RAISE"), pytest.fail.Exception("Timeout (>1s)")
    judgements = (AssertionError(), missing, LeaseLost(), ToolFailure("conflict", "no"))
    assert [error for error in judgements if not is_judgement(error)] == []
    assert is_judgement(ExceptionGroup("", [ValueError(), AssertionError()]))
    accidents = (ImportError(), late, KeyError(), TimeoutError(), StoreUnavailable())
    assert [error for error in accidents if is_judgement(error)] == []

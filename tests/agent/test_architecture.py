"""The architecture as text: what import-linter and ruff cannot see of the rules of the house."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("architecture")  # one process parses all files

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "python-agent" / "steersman"
TESTS = ROOT / "tests"

MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 30
PURE = sys.stdlib_module_names | {"pydantic", "steersman"}
BANNED_NAMES = {"Task", "TaskStatus"}
BANNED_WORDS = frozenset(
    {"manager", "helper", "util", "service", "processor", "dto", "info", "data", "impl", "misc"}
)
COMMAND_VERBS = frozenset({"submit", "add", "pause", "resume", "stop", "decide", "report"})
CLASS = re.compile(r"^ *class (\w+)", re.M)  # to parse all tests takes seconds
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")

# Path, or path::function, and why it may be longer than the others.
LONG_FOR_A_REASON = {
    "python-agent/steersman/adapters/in_memory_journal.py": "one port, its fences side by side",
    "python-agent/steersman/core/events.py": "the whole vocabulary, read as one table",
    "python-agent/steersman/core/ports.py": "all seams of the core, read as one table",
    "python-agent/steersman/core/fold.py::_changes": "one arm for each event, so none is forgotten",
    "python-agent/steersman/api/narration.py::_line": "one arm for each event as well",
}


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield each absolute module that is imported anywhere in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def long_functions(tree: ast.Module) -> Iterator[str]:
    """Yield `name (lines)` of each function that is too long, its docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.name} ({lines})"


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def is_banned(name: str) -> bool:
    words = snake_case(name).split("_")
    return name in BANNED_NAMES or any(word.removesuffix("s") in BANNED_WORDS for word in words)


def wire_type(node: ast.ClassDef) -> str | None:
    """Return the value of `type: Literal["…"]`, for the classes that travel."""
    for field in node.body:
        match field:
            case ast.AnnAssign(
                target=ast.Name("type"), annotation=ast.Subscript(slice=ast.Constant(str(value)))
            ):
                return value
            case _:
                pass
    return None


def wire_classes(file_name: str) -> dict[str, str]:
    found = {node.name: wire_type(node) for node in classes(parse(SOURCE / "core" / file_name))}
    return {name: value for name, value in found.items() if value is not None}


def test_the_core_imports_only_the_standard_library_and_pydantic() -> None:
    impure = [
        f"{name_of(path)}: {module}"
        for path in python_files(SOURCE / "core")
        for module in imported_modules(parse(path))
        if module.split(".")[0] not in PURE
        or (module.startswith("steersman") and not module.startswith("steersman.core"))
    ]
    assert impure == []


def test_files_fit_in_the_head() -> None:
    lengths = {name_of(p): len(p.read_text().splitlines()) for p in python_files(SOURCE, TESTS)}
    long = {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES}
    assert {name: lines for name, lines in long.items() if name not in LONG_FOR_A_REASON} == {}


def test_functions_fit_in_the_head() -> None:
    long = [
        f"{name_of(path)}::{function}"
        for path in python_files(SOURCE)
        for function in long_functions(parse(path))
    ]
    assert [name for name in long if name.split(" (")[0] not in LONG_FOR_A_REASON] == []


def test_the_allow_list_names_only_what_is_there() -> None:
    assert [name for name in LONG_FOR_A_REASON if not (ROOT / name.split("::")[0]).exists()] == []


def test_names_say_what_a_thing_is() -> None:
    files = python_files(SOURCE, TESTS)
    banned = [name_of(path) for path in files if is_banned(path.stem)]
    banned += [
        f"{name_of(path)}::{name}"
        for path in files
        for name in CLASS.findall(path.read_text())
        if is_banned(name)
    ]
    assert banned == []


def test_wire_types_are_the_snake_case_of_their_classes() -> None:
    wire = wire_classes("events.py") | wire_classes("commands.py")
    assert wire == {name: snake_case(name) for name in wire}
    assert len(wire) > 0


def test_events_are_past_participles_and_commands_begin_with_a_verb() -> None:
    events = [name for name in wire_classes("events.py") if not name.endswith("ed")]
    commands = [
        name
        for name in wire_classes("commands.py")
        if snake_case(name).split("_")[0] not in COMMAND_VERBS
    ]
    assert (events, commands) == ([], [])


def test_nothing_is_left_for_later_in_a_comment() -> None:
    unfinished = [
        f"{name_of(path)}:{number}"
        for path in python_files(SOURCE, TESTS)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert unfinished == []


def test_the_rules_catch_what_they_are_for() -> None:
    body = "\n".join(f"    x = {n}" for n in range(MAX_FUNCTION_LINES))
    tree = ast.parse(f"import redis.asyncio\nfrom steersman import app\ndef long():\n{body}\n")
    assert list(imported_modules(tree)) == ["redis.asyncio", "steersman"]
    assert list(long_functions(tree)) == ["long (31)"]
    assert [is_banned(n) for n in ("Task", "TaskManager", "helpers", "TaskView")] == [
        True,
        True,
        True,
        False,
    ]

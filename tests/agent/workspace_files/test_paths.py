"""No path leads out of a workspace, and none to what is no file."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steersman.adapters.workspace import MAX_FILE_BYTES, DirectoryFiles
from steersman.core.tool import ToolFailure
from tests.agent.workspace_files.conftest import names

Attempt = Callable[[DirectoryFiles, str], object]
ATTEMPTS: dict[str, Attempt] = {
    "list": lambda files, path: files.list(path, None, 10),
    "read": lambda files, path: files.read(path),
    "digest": lambda files, path: files.digest(path),
    "replace": lambda files, path: files.replace(path, b"new", expected=None),
}
every_attempt = pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
every_attempt_on_a_file = pytest.mark.parametrize(
    "attempt", [ATTEMPTS[name] for name in ("read", "digest", "replace")]
)


def code_of(attempt: Attempt, files: DirectoryFiles, path: str) -> str:
    with pytest.raises(ToolFailure) as caught:
        attempt(files, path)
    return caught.value.code


@every_attempt
@pytest.mark.parametrize(
    "path", ["../outside/secret.txt", "/etc/passwd", "shop/../../outside/secret.txt", "..", "//etc"]
)
def test_a_path_that_would_lead_out_is_refused(
    files: DirectoryFiles, path: str, attempt: Attempt
) -> None:
    assert code_of(attempt, files, path) == "outside_workspace"


@every_attempt
def test_a_link_is_refused_wherever_it_stands_in_the_path(
    files: DirectoryFiles, root: Path, attempt: Attempt
) -> None:
    (root / "file").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "inside").symlink_to("shop")
    (root / "dangling").symlink_to("/nowhere")
    paths = ["file", "folder/secret.txt", "inside/cart.py", "dangling"]
    assert [code_of(attempt, files, path) for path in paths] == ["outside_workspace"] * 4


def test_the_refusal_of_a_link_says_where_it_leads(files: DirectoryFiles, root: Path) -> None:
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    with pytest.raises(ToolFailure, match=r"link to AGENTS\.md.*use the real path"):
        files.read("CLAUDE.md")


@every_attempt_on_a_file
def test_devices_pipes_and_sockets_are_refused_and_never_waited_for(
    files: DirectoryFiles, root: Path, attempt: Attempt
) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
    assert [code_of(attempt, files, path) for path in ("pipe", "socket")] == ["not_a_file"] * 2


def test_a_device_is_refused(files: DirectoryFiles, root: Path) -> None:
    try:
        os.mknod(root / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert code_of(ATTEMPTS["read"], files, "zero") == "not_a_file"


@every_attempt_on_a_file
@pytest.mark.parametrize("path", ["shop", "shop/", "", ".", "./"])
def test_a_folder_is_no_file(files: DirectoryFiles, path: str, attempt: Attempt) -> None:
    assert code_of(attempt, files, path) == "not_a_file"


@every_attempt
def test_a_file_is_no_folder(files: DirectoryFiles, attempt: Attempt) -> None:
    assert code_of(attempt, files, "shop/cart.py/below.py") == "not_a_file"


@every_attempt
@pytest.mark.parametrize(
    "path",
    ["a\0b", "x" * 256, "\u00e9" * 128, "\ud800", "/".join("d" * 41)],
    ids=["NUL", "long", "long in bytes", "surrogate", "deep"],
)
def test_a_path_that_can_be_none_is_refused(
    files: DirectoryFiles, path: str, attempt: Attempt
) -> None:
    assert code_of(attempt, files, path) == "not_found"


def test_names_are_taken_as_they_are(files: DirectoryFiles, root: Path) -> None:
    for name in ("caf\u00e9", "cafe\u0301", "README", "readme", "-rf", "a b\n", "x" * 255):
        files.replace(name, name.encode(), expected=None)
    assert {entry.name: entry.read_bytes() for entry in root.iterdir() if entry.is_file()} == {
        name: name.encode()
        for name in ("caf\u00e9", "cafe\u0301", "README", "readme", "-rf", "a b\n", "x" * 255)
    }


def test_what_is_not_there_is_not_found(files: DirectoryFiles) -> None:
    assert code_of(ATTEMPTS["read"], files, "shop/nothing.py") == "not_found"
    assert code_of(ATTEMPTS["list"], files, "nothing") == "not_found"
    assert [files.digest("shop/nothing.py"), files.digest("no/such/folder")] == [None, None]


def test_a_giant_file_is_refused_without_reading_it(files: DirectoryFiles, root: Path) -> None:
    with (root / "giant").open("wb") as sparse:
        sparse.truncate(2**40)
    (root / "largest").write_bytes(b"x" * MAX_FILE_BYTES)
    codes = [
        code_of(attempt, files, "giant") for name, attempt in ATTEMPTS.items() if name != "list"
    ]
    assert codes == ["too_large"] * 3
    assert len(files.read("largest")) == MAX_FILE_BYTES


def test_a_file_that_says_it_is_empty_and_is_endless_is_refused() -> None:
    with pytest.raises(ToolFailure) as caught:
        DirectoryFiles(Path("/proc/self")).read("pagemap")
    assert caught.value.code in ("too_large", "not_permitted")


@every_attempt_on_a_file
def test_nothing_stays_open(files: DirectoryFiles, root: Path, attempt: Attempt) -> None:
    (root / "link").symlink_to("shop")
    before = len(names(Path("/proc/self/fd")))
    for path in ("link/cart.py", "shop", "a/b/c/d", "shop/cart.py", "shop/cart.py/x"):
        try:
            attempt(files, path)
        except ToolFailure:
            continue
    assert len(names(Path("/proc/self/fd"))) == before


@pytest.fixture
def closed(files: DirectoryFiles, root: Path) -> Iterator[DirectoryFiles]:
    """Nobody may look into it, not even root, who loses the power to ignore permissions."""
    root.chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65_534)
    yield files
    os.seteuid(user)
    root.chmod(0o755)


@every_attempt
def test_a_workspace_that_may_not_be_read_is_a_refusal(
    closed: DirectoryFiles, attempt: Attempt
) -> None:
    assert code_of(attempt, closed, "shop/cart.py") == "not_permitted"


@pytest.mark.parametrize("name", ["list", "read", "replace"])
def test_a_workspace_that_is_gone_has_no_files(
    files: DirectoryFiles, root: Path, name: str
) -> None:
    shutil.rmtree(root)
    assert code_of(ATTEMPTS[name], files, "shop/cart.py") == "not_found"

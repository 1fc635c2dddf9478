"""The history of a workspace: its content at each task's start, and what has changed since.

It is a bare repository outside of the workspace, and git never looks into the workspace: we read
the files ourselves and stream them to `git fast-import`. So nothing that a workspace holds (hooks,
filters, attributes, a `.git` of its own, links that move while we look) can steer git, nested
repositories are ordinary folders, and any name will do. `.gitignore` is not obeyed: whoever writes
it, maybe the agent, must not be able to hide a change. Caches are left out by whoever reads.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Container, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, cast

from steersman.adapters.git.program import Terms, run, started
from steersman.adapters.git.versions import (
    Item,
    Remains,
    Steering,
    Unread,
    Version,
    parse_remains,
)
from steersman.core.errors import NotFound
from steersman.core.ids import TaskId

_DEFAULT_LIMIT = timedelta(seconds=60)
_DIFF = (
    "diff-tree",
    "-r",
    "--patch",
    "--find-renames",
    "-l1000",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
)
Read = Callable[[Container[str]], Iterable[Item]]
"""Read the workspace as it is now; the files that were there at the start are read first of all."""

_NOW = "refs/heads/now"
_REFS = "refs/steersman"
_IMPORT = ("fast-import", "--quiet", "--done", "--depth=0")
# A history is never checked out: names that are dangerous elsewhere are only names here.
_SETTINGS = {"core.bare": "true", "core.protectHFS": "false", "core.protectNTFS": "false"}


class ShadowHistory:
    """The history of one workspace. Its methods block; call them from a thread.

    They raise GitMissing, GitFailed and GitTimeout.
    """

    def __init__(self, repository: Path, *, limit: timedelta = _DEFAULT_LIMIT) -> None:
        self._repository = repository
        self._terms = Terms(limit, _SETTINGS)

    def has_start(self, task_id: TaskId) -> bool:
        """Say whether the task's start is known."""
        return self._start_of(task_id) is not None

    def note_start(self, task_id: TaskId, items: Iterable[Item]) -> None:
        """Keep the content as the task's start."""
        _make_repository(self._repository, None)
        ref = _ref(task_id)
        # Left by a git that was killed: nobody else writes, the workspace has one holder.
        (self._repository / f"{ref}.lock").unlink(missing_ok=True)
        self._import((self._repository, ref), items, _Start({}, Remains()))
        self._run("gc", "--auto", "--quiet")

    def diff(self, task_id: TaskId, read: Read) -> IO[bytes]:
        """Return the unified diff from the task's start to what is read now, as an open file.

        What was left out then or is now is in neither side; the first lines name it. Raises
        NotFound when the start is not known.
        """
        start = self._start_of(task_id)
        if start is None:
            raise NotFound("The state at this task's start was not kept; there is no diff.")
        known = self._read_start(start)
        with _beside(self._repository) as repository:
            remains = self._import((repository, _NOW), read(known.files), known)
            return self._compare(repository, start, remains.remarks(known.remains))

    def starts(self) -> frozenset[TaskId]:
        """Name the tasks whose start is kept."""
        return frozenset(TaskId(name) for name in _names_in(self._repository / _REFS))

    def forget(self, task_ids: Iterable[TaskId]) -> None:
        """Drop the starts of tasks, and with them the content that no other start holds.

        Nobody may be writing meanwhile: what no start holds yet would be dropped too.
        """
        for task_id in task_ids:
            shutil.rmtree(self._repository / _REFS / task_id)
        self._run("gc", "--prune=now", "--quiet")

    def _compare(self, repository: Path, start: str, remarks: Iterable[str]) -> IO[bytes]:
        with ExitStack() as stack:
            patch = cast(IO[bytes], stack.enter_context(tempfile.TemporaryFile()))
            patch.write("".join(f"# {remark}\n" for remark in remarks).encode())
            patch.flush()
            compare = (*_DIFF, start, _NOW)
            with started(compare, repository, self._terms, output=patch):
                pass
            patch.seek(0)
            stack.pop_all()
            return patch

    def _start_of(self, task_id: TaskId) -> str | None:
        path = self._repository / _ref(task_id)
        return path.read_text().strip() if path.is_file() else None

    def _read_start(self, start: str) -> "_Start":
        listing = self._run("ls-tree", "-r", "-z", start)
        rows = (row.split(b"\t", 1) for row in listing.split(b"\0") if row)
        files = {os.fsdecode(path): _mode_and_id(meta) for meta, path in rows}
        message = self._run("cat-file", "commit", start).partition(b"\n\n")[2]
        return _Start(files, parse_remains(message))

    def _run(self, *arguments: str) -> bytes:
        return run(arguments, self._repository, self._terms)

    def _import(self, place: tuple[Path, str], items: Iterable[Item], start: "_Start") -> Remains:
        """Commit what is read and return what is not in the commit.

        What cannot be compared, then or now, stays in it as it was at the start.
        """
        repository, ref = place
        remains = Remains(dict(start.remains.left_out))
        with started(_IMPORT, repository, self._terms) as process:
            stream = cast(IO[bytes], process.stdin)
            stream.write(_commit(ref, b""))
            seen = {_take(stream, item, start.files, remains) for item in items}
            if remains.unread is not None and remains.unread.cut:
                for path in start.files.keys() - seen:
                    _leave_out(stream, path, start.files, remains)
            # What was left out is known only now: the message of a second commit.
            stream.write(_commit(ref, remains.to_json()) + b"done\n")
        return remains


@dataclass(frozen=True, slots=True)
class _Start:
    """Mode and id of each file that a task began from, and what else there was."""

    files: Mapping[str, str]
    remains: Remains


def _take(stream: IO[bytes], item: Item, known: Mapping[str, str], remains: Remains) -> str:
    """Write an item or note that it is not written; return its path."""
    match item:
        case Unread():
            remains.unread = item
            return ""
        case Steering(path, digest):
            remains.steering[path] = digest
            return path
        case Version(path, mode, content):
            if content is None:
                _leave_out(stream, path, known, remains)
            elif path not in remains.left_out:
                stream.write(_change(path, mode, content))
            return path


def _leave_out(stream: IO[bytes], path: str, known: Mapping[str, str], remains: Remains) -> None:
    remains.left_out[path] = None
    if path in known:
        stream.write(f"M {known[path]} ".encode() + _quoted(path))


def _ref(task_id: TaskId) -> str:
    return f"{_REFS}/{task_id}/start"


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def _make_repository(repository: Path, objects: Path | None) -> None:
    """Write down what makes a folder a bare repository; `git init` would copy templates too."""
    for folder in ("objects/info", "objects/pack", "refs"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
    if objects is not None:
        (repository / "objects/info/alternates").write_text(f"{objects}\n")
    (repository / "HEAD").write_text("ref: refs/heads/none\n")


@contextmanager
def _beside(repository: Path) -> Generator[Path]:
    """Give a passing repository that sees the objects of another and leaves nothing in it."""
    with tempfile.TemporaryDirectory(prefix="steersman-diff-") as folder:
        passing = Path(folder)
        _make_repository(passing, repository.absolute() / "objects")
        yield passing


def _commit(ref: str, message: bytes) -> bytes:
    head = f"commit {ref}\ncommitter steersman <steersman> {int(time.time())} +0000\n"
    return f"{head}data {len(message)}\n".encode() + message + b"\n"


def _change(path: str, mode: str, content: bytes) -> bytes:
    head = f"M {mode} inline ".encode() + _quoted(path)
    return b"%bdata %d\n%b\n" % (head, len(content), content)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%b"\n' % raw


def _mode_and_id(entry: bytes) -> str:
    mode, _, object_id = entry.decode().split(" ")
    return f"{mode} {object_id}"

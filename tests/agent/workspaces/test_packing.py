"""Trees as they go out: a tar that is whole, whatever happens to the tree meanwhile."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from steersman.adapters.trees.pack import packed
from steersman.adapters.trees.unpack import Unpacked
from tests.agent.workspaces.archives import tree, unpacked

LARGE = 600_000
"""More than one chunk."""


def keep(_name: str) -> bool:
    return False


def contents(raw: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in files.items() if stream is not None}


def begun(root: Path) -> tuple[bytes, Iterator[bytes]]:
    """Pack until the first chunk is there; `a` is open then and the rest not yet read."""
    chunks = packed(root, keep)
    return next(chunks), chunks


def test_what_goes_out_can_come_in_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "empty").mkdir(parents=True)
    for name in ("cart.py", "a\nb", "caf\udce9", "x" * 200, ".git"):
        (source / name).write_bytes(os.fsencode(name))
    (source / "cart.py").chmod(0o755)
    (source / "latest").symlink_to("cart.py")
    found = unpacked(b"".join(packed(source, keep)), tmp_path)
    root = tmp_path / "root"
    assert (tree(root), found.files) == (tree(source), 6)
    assert (root / "empty").is_dir()
    assert (root / "cart.py").stat().st_mode & 0o777 == 0o755


def test_what_is_no_file_or_leads_out_does_not_go_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.mkfifo(source / "fifo")
    (source / "passwd").symlink_to("/etc/passwd")
    (source / "up").symlink_to("..")
    (source / "leftover").write_text("x")
    raw = b"".join(packed(source, lambda path: path == "leftover"))
    assert unpacked(raw, tmp_path) == Unpacked(0, 0)


def test_a_file_that_shrinks_or_grows_meanwhile_keeps_the_size_it_had(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * LARGE)
    (tmp_path / "b").write_bytes(b"b")
    first, rest = begun(tmp_path)
    os.truncate(tmp_path / "a", 10)
    shrunk = contents(first + b"".join(rest))
    assert (len(shrunk["a"]), shrunk["a"].rstrip(b"\0").strip(b"a"), shrunk["b"]) == (
        LARGE,
        b"",
        b"b",
    )
    (tmp_path / "a").write_bytes(b"a" * LARGE)
    first, rest = begun(tmp_path)
    with (tmp_path / "a").open("ab") as file:
        file.write(b"more")
    assert contents(first + b"".join(rest)) == {"a": b"a" * LARGE, "b": b"b"}


def test_what_vanishes_or_becomes_a_link_meanwhile_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("folder", "other"):
        (root / folder).mkdir(parents=True)
        (root / folder / "file").write_text(folder)
    (root / "a").write_bytes(b"a" * LARGE)
    (root / "gone").write_text("x")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("theirs")
    first, rest = begun(root)
    (root / "gone").unlink()
    (root / "folder" / "file").unlink()
    (root / "folder").rmdir()
    (root / "folder").symlink_to(secret)
    assert contents(first + b"".join(rest)) == {"a": b"a" * LARGE, "other/file": b"other"}

"""Unpack what strangers sent: a tar (plain, gzip, bzip2, xz) or a zip."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from steersman.adapters.trees.allowance import Allowance, Limits
from steersman.adapters.trees.new_tree import NewTree
from steersman.adapters.trees.tar import unpack_tar
from steersman.adapters.trees.zip import unpack_zip
from steersman.core.errors import Malformed

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out. Links count as files without bytes."""

    files: int
    size_bytes: int


def unpack(
    archive: Path, root: Path, keep_on: Callable[[], None], *, limits: Limits = _LIMITS
) -> Unpacked:
    """Unpack an archive into an empty folder that nobody else knows.

    A single folder at the top is kept: what is sent is what is there. Links are kept if they stay
    inside; everything else that could lead out or is no file, folder or link refuses the archive.
    Owners, times and permissions but the owner's `x` are not kept. Raises Malformed, TooLarge,
    and what `keep_on` raises.
    """
    with archive.open("rb") as file:
        size = archive.stat().st_size
        if size == 0:
            raise Malformed("The body is empty; send a tar or a zip.")
        with NewTree(root, Allowance(limits, size, keep_on)) as tree:
            magic = file.read(4)
            file.seek(0)
            if magic in _ZIP:
                unpack_zip(archive, tree)
            else:
                unpack_tar(file, tree)
            tree.finish()
            return Unpacked(tree.files, tree.size_bytes)

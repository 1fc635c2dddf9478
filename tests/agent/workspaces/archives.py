"""Tars and zips made by hand, also such as no honest program makes."""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

from steersman.adapters.trees.allowance import Limits
from steersman.adapters.trees.unpack import Unpacked, unpack

DEFAULTS = Limits()


def member(name: str, kind: bytes = tarfile.REGTYPE, *, to: str = "", mode: int = 0o644):
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = to
    made.mode = mode
    return made


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    made = member(name, mode=mode)
    made.size = len(content)
    return made, content


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, tarfile.DIRTYPE, mode=0o755), b""


def link(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, tarfile.SYMTYPE, to=to), b""


def hard_link(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, tarfile.LNKTYPE, to=to), b""


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for made, content in members:
            archive.addfile(made, io.BytesIO(content))
    return raw.getvalue()


def raw_header(made: tarfile.TarInfo) -> bytes:
    return made.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")


def zipped(*files: tuple[str, bytes], mode: int = 0o100644) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return raw.getvalue()


def overlapping_zip(entries: int) -> bytes:
    """Let every entry of the directory name the same local file."""
    one = zipped(("kernel", bytes(1_000_000)))
    end = one.rindex(b"PK\x05\x06")
    start = one.rindex(b"PK\x01\x02")
    directory = one[start:end] * entries
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), start, 0)
    return one[:start] + directory + tail


def unpacked(raw: bytes, folder: Path, limits: Limits = DEFAULTS) -> Unpacked:
    """Unpack into `folder/root`."""
    archive, root = folder / "archive", folder / "root"
    archive.write_bytes(raw)
    root.mkdir()
    return unpack(archive, root, lambda: None, limits=limits)


def tree(root: Path) -> dict[str, bytes | str]:
    """Read a tree as values: content of files, target of links after `-> `."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found

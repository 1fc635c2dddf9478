"""The names in an archive: what is a path below the root, and which links stay below it."""

import os

from steersman.core.errors import Malformed

MAX_DEPTH = 40
"""As deep as the tools reach."""

_MAX_NAME_BYTES = 255


def parts_of(path: str) -> tuple[str, ...]:
    """Split a relative path; the root is the empty one. Raises Malformed for all that leads out."""
    if path.startswith("/"):
        raise Malformed(f"{path!r} in the archive is absolute; paths must be relative.")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise Malformed(f"{path!r} in the archive leads out of it; leave it out.")
    if len(parts) > MAX_DEPTH:
        raise Malformed(f"{path!r} in the archive is more than {MAX_DEPTH} folders deep.")
    if not all(_is_name(part) for part in parts):
        raise Malformed(f"{path!r} in the archive is no possible name.")
    return parts


def stays_inside(path: str, target: str) -> bool:
    """Say whether a link leads to somewhere below the root, whatever other links there are.

    Its `..` must come first: behind the name of another link they would count from wherever that
    one leads.
    """
    names = [name for name in target.split("/") if name not in ("", ".")]
    depth = len([name for name in path.split("/") if name not in ("", ".")]) - 1
    ups = next((at for at, name in enumerate(names) if name != ".."), len(names))
    return (
        target != ""
        and not target.startswith("/")
        and "\0" not in target
        and ups <= depth
        and ".." not in names[ups:]
    )


def _is_name(part: str) -> bool:
    try:
        return "\0" not in part and len(os.fsencode(part)) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False

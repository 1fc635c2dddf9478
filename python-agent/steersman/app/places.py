"""Where workspaces live, and what is kept of each outside of it."""

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from steersman.core.errors import Invalid
from steersman.core.ids import OwnerId
from steersman.core.ports import WorkspaceRef
from steersman.settings import Settings

_LONGEST_FOLDER = 200
_UNSAFE = re.compile(r"^\.|[^a-z0-9._@-]")


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of this host: of workspaces, of their state, of what is still being put.

    `incoming` is on the same disk as the workspaces, so that a rename can put a tree in place.
    No owner's folder has its name, because those never begin with a dot.
    """

    workspaces: Path
    states: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Return the places that the settings name."""
        return cls(settings.workspaces, settings.home / "state")

    @property
    def incoming(self) -> Path:
        """Return where new content is made before it is put in place."""
        return self.workspaces / ".incoming"

    def directory(self, ref: WorkspaceRef) -> Path:
        """Return the directory that tasks work in."""
        if ref.path is not None:
            return Path(ref.path)
        if ref.name[:1] in ("", "."):
            raise Invalid("The name of a workspace must not be empty or begin with a dot.")
        return self.workspaces / owner_folder(ref.owner_id) / ref.name

    def state(self, ref: WorkspaceRef) -> Path:
        """Return what is kept of a workspace where nothing that runs in it can get."""
        return self.states / ref.workspace_id

    def history(self, ref: WorkspaceRef) -> Path:
        """Return the shadow repository of a workspace."""
        return self.state(ref) / "history.git"

    def without_start(self, ref: WorkspaceRef) -> Path:
        """Return the folder of the reasons why the start of some tasks was not kept."""
        return self.state(ref) / "without-start"


def make_private(settings: Settings) -> None:
    """Make HOME and the workspaces in it, and let no other user of this machine look into them.

    Also those that an earlier start left open. A command could leave a program in its workspace
    that does for whoever runs it what its owner may.
    """
    # As root the embedded database has a user of its own, who has to pass through.
    close(settings.home, 0o711 if os.geteuid() == 0 else 0o700)
    if settings.workspaces.is_relative_to(settings.home):
        close(settings.workspaces)


def close(folder: Path, mode: int = 0o700) -> None:
    """Make a folder, or take from others what `mode` does not give them.

    One of another user, or one that all may write to, is not ours to close.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        folder.chmod(stat.S_IMODE(found.st_mode) & (mode | stat.S_ISGID))


def owner_folder(owner_id: OwnerId) -> str:
    """Return the name of an owner's folder.

    Ids come from tokens: whatever could be a path, or another's folder where case does not count,
    is percent-encoded; a long one becomes its digest.
    """
    encoded = _UNSAFE.sub(lambda found: _percent(found[0]), owner_id)
    if 0 < len(encoded) <= _LONGEST_FOLDER:
        return encoded
    return "sha256%" + hashlib.sha256(owner_id.encode(errors="surrogatepass")).hexdigest()


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))

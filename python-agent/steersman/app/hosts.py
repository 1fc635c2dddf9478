"""Which host this is, as the store knows it."""

from contextlib import suppress
from pathlib import Path

from steersman.core.clock import SystemClock, new_id


def host_id_of(home: Path) -> str:
    """Return the id of this host's HOME, made at its first use.

    The processes of a host share HOME, and with it the directories of the workspaces.
    """
    path = home / "host-id"
    home.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), path.open("x") as file:
        file.write(new_id(SystemClock()))
    return path.read_text().strip()
